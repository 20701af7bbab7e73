//! The service of GitHub Actions that gives jobs identity tokens.

use serde_json::json;

use super::source::Mint;
use crate::{Recorded, side_server::Reply};

/// The host of its URL. The real ones end so too.
pub(super) const HOST: &str = "run-actions-1-azure-eastus.actions.githubusercontent.com";

/// The path of its URL, with the empty segment that the real ones have.
pub(super) const PATH: &str = "/12//idtoken/5f0e1a36-0000-4000-8000-000000000000/\
                               a1b2c3d4-0000-4000-8000-000000000000";

/// The query of its URL: a client adds `audience` to it.
pub(super) const QUERY: &str = "api-version=2.0";

/// The audience where none was asked for: the URL of the owner.
const DEFAULT_AUDIENCE: &str = "https://github.com/acme";

pub(super) fn reply(request: &Recorded, secret: &str, mint: &Mint) -> Reply {
    if request.path != PATH {
        return error(404, "not found");
    }
    if request.method != "GET" {
        return error(405, "method not allowed");
    }
    let bearer = format!("Bearer {secret}");
    if request.header("authorization") != Some(&bearer) {
        return error(401, "unauthorized");
    }
    if request.parameter("api-version").as_deref() != Some("2.0") {
        return error(400, "no api-version was given");
    }
    let audience = request.parameter("audience");
    let token = mint(audience.as_deref().unwrap_or(DEFAULT_AUDIENCE));
    let body = json!({ "count": token.len(), "value": token });
    Reply::new(200, "application/json; charset=utf-8", body.to_string())
}

pub(super) fn error(status: u16, message: &str) -> Reply {
    let body = json!({ "message": message });
    Reply::new(status, "application/json; charset=utf-8", body.to_string())
}
