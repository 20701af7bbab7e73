//! The metadata server of Google Cloud.

use super::source::Mint;
use crate::{Recorded, side_server::Reply};

const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/identity";

pub(super) fn reply(request: &Recorded, mint: &Mint, has_flavor: bool) -> Reply {
    if request.header("metadata-flavor") != Some("Google") && request.path != "/" {
        return error(403, "Missing Metadata-Flavor:Google header.");
    }
    if request.header("x-forwarded-for").is_some() {
        return error(403, "Request denied: X-Forwarded-For header");
    }
    if request.method != "GET" {
        return error(405, "method not allowed");
    }
    if request.path != PATH {
        return match request.path.as_str() {
            "/" => flavored(Reply::new(200, "application/text", "computeMetadata/\n")),
            _ => error(404, "not found"),
        };
    }
    let format = request.parameter("format");
    if !matches!(format.as_deref(), None | Some("full" | "standard")) {
        return error(400, "invalid format");
    }
    match request.parameter("audience") {
        Some(audience) if !audience.is_empty() => {
            let reply = Reply::new(200, "text/html", mint(&audience));
            if has_flavor { flavored(reply) } else { reply }
        }
        _ => error(400, "non-empty audience parameter required"),
    }
}

pub(super) fn error(status: u16, message: &str) -> Reply {
    flavored(Reply::new(status, "text/plain", format!("{message}\n")))
}

fn flavored(reply: Reply) -> Reply {
    reply.with("metadata-flavor", "Google")
}
