//! The request that there is most to decide about.

use http::Request;

const BODY: &[u8] = br#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#;

/// The largest of a mint.
///
/// # Panics
/// Never: it is a request.
pub fn largest() -> Request<Vec<u8>> {
    Request::post("https://api.tailscale.com/api/v2/tailnet/-/keys")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(BODY.to_vec())
        .expect("a request")
}
