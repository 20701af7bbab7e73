//! The API of a machine of Fly.io, on a Unix socket.

use serde::Deserialize;
use serde_json::json;

use super::source::Mint;
use crate::{Recorded, side_server::Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    aud: Option<String>,
}

pub(super) fn reply(request: &Recorded, mint: &Mint) -> Reply {
    if request.path != "/v1/tokens/oidc" {
        return error(404, "not found");
    }
    if request.method != "POST" {
        return error(405, "method not allowed");
    }
    match serde_json::from_str(&request.body) {
        Ok(Asked {
            aud: Some(audience),
        }) if !audience.is_empty() => Reply::new(200, "text/plain; charset=utf-8", mint(&audience)),
        // The real one then takes the URL of the organization.
        Ok(_) => Reply::new(
            200,
            "text/plain; charset=utf-8",
            mint("https://fly.io/acme"),
        ),
        Err(problem) => error(400, &problem.to_string()),
    }
}

pub(super) fn error(status: u16, message: &str) -> Reply {
    let body = json!({ "error": message });
    Reply::new(status, "application/json", body.to_string())
}
