//! Everything that an API, or what stands in its place, can do wrong: each fault at
//! the token endpoint and at the keys endpoint, and those of TLS, from one table.

mod door;
mod fault;
mod run;
mod table;
mod tls;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tailmint_simulator::Endpoint;

/// Most of them wait for a limit or before a retry, which many can do at a time.
const AT_A_TIME: usize = 12;

/// Runs all of them, and says how many came to what they should.
fn each<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) -> usize {
    let next = AtomicUsize::new(0);
    let ended = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // All of them are run; what one has to say is on record.
                    if catch_unwind(AssertUnwindSafe(|| run(case))).is_ok() {
                        ended.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    ended.into_inner()
}

#[test]
fn faults_of_the_api_end_as_the_table_says() {
    let faults = table::all();
    assert!(faults.len() >= 48, "{} faults", faults.len());
    let cases: Vec<_> = faults
        .iter()
        .flat_map(|fault| [(fault, Endpoint::Token), (fault, Endpoint::Keys)])
        .collect();
    assert_eq!(
        each(&cases, |(fault, at)| run::run(fault, *at)),
        cases.len()
    );
}

#[test]
fn faults_of_tls_are_told_before_a_request_is_sent() {
    let cases = tls::all();
    assert!(cases.len() >= 12, "{} faults", cases.len());
    assert_eq!(each(&cases, tls::run), cases.len());
}
