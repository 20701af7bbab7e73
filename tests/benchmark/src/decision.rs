use std::{hint::black_box, time::Instant};

use http::Request;
use tailmint::{Operation, Policy};

const TIMES: u32 = 20_000;

/// The largest request of a mint.
const BODY: &[u8] = br#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#;

/// How long the policy takes to read a request and decide about it, in microseconds.
pub(crate) fn microseconds() -> f64 {
    let policy = Policy::built_in();
    let request = || {
        Request::post("https://api.tailscale.com/api/v2/tailnet/-/keys")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .body(BODY.to_vec())
            .expect("a request")
    };
    let requests: Vec<_> = (0..TIMES).map(|_| request()).collect();
    let begun = Instant::now();
    for request in requests {
        let explained = policy.explain(Operation::Mint, request);
        assert!(black_box(explained).decision.allows(), "it is allowed");
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
}
