use std::{hint::black_box, time::Instant};

use tailmint_api::Operation;
use tailmint_benchmark::request;
use tailmint_policy::Policy;

const TIMES: u32 = 20_000;

/// How long the policy takes to read the largest request of a mint and decide about it,
/// in microseconds.
pub(crate) fn microseconds() -> f64 {
    let policy = Policy::built_in();
    let requests: Vec<_> = (0..TIMES).map(|_| request::largest()).collect();
    let begun = Instant::now();
    for request in requests {
        let explained = policy.explain(Operation::Mint, request);
        assert!(black_box(explained).decision.allows(), "it is allowed");
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
}
