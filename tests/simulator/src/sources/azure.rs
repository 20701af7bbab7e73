//! Azure: the Instance Metadata Service, and App Service.

use jiff::Timestamp;
use serde_json::json;

use super::source::Mint;
use crate::{Recorded, side_server::Reply};

/// The path of `IDENTITY_ENDPOINT`.
pub(super) const APP_SERVICE_PATH: &str = "/msi/token";

/// How long its tokens live: a day.
const LIFETIME_SECONDS: i64 = 86_400;

/// The application that the identity is: a made-up one.
const CLIENT_ID: &str = "00000000-0000-4000-8000-000000000001";

pub(super) fn imds(request: &Recorded, mint: &Mint) -> Reply {
    if request.path != "/metadata/identity/oauth2/token" {
        return error(404, "not_found", "no such resource");
    }
    if request.header("metadata") != Some("true") {
        return error(
            400,
            "bad_request_102",
            "Required metadata header not specified",
        );
    }
    if request.header("x-forwarded-for").is_some() {
        return error(400, "bad_request", "X-Forwarded-For is not allowed");
    }
    token(request, "2018-02-01", mint)
}

pub(super) fn app_service(request: &Recorded, secret: &str, mint: &Mint) -> Reply {
    if request.path != APP_SERVICE_PATH {
        return error(404, "not_found", "no such resource");
    }
    if request.header("x-identity-header") != Some(secret) {
        return error(401, "unauthorized", "X-IDENTITY-HEADER is missing or wrong");
    }
    token(request, "2019-08-01", mint)
}

fn token(request: &Recorded, version: &str, mint: &Mint) -> Reply {
    if request.method != "GET" {
        return error(405, "method_not_allowed", "only GET is");
    }
    if request.parameter("api-version").as_deref() != Some(version) {
        return error(400, "invalid_request", "api-version is missing or unknown");
    }
    let Some(resource) = request.parameter("resource").filter(|it| !it.is_empty()) else {
        return error(400, "invalid_request", "resource is missing");
    };
    let now = Timestamp::now().as_second();
    let body = json!({
        "access_token": mint(&resource),
        "client_id": CLIENT_ID,
        "expires_in": LIFETIME_SECONDS.to_string(),
        "expires_on": (now + LIFETIME_SECONDS).to_string(),
        "ext_expires_in": LIFETIME_SECONDS.to_string(),
        "not_before": now.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    Reply::new(200, "application/json; charset=utf-8", body.to_string())
}

pub(super) fn error(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({ "error": error, "error_description": description });
    Reply::new(status, "application/json; charset=utf-8", body.to_string())
}
