//! Everything that an API, or what stands in its place, can do wrong: 48 faults of
//! the token endpoint and of the keys endpoint each, and 12 of TLS, from one table.

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
fn of_the_api() {
    let faults = table::all();
    assert_eq!(faults.len(), 48);
    let cases: Vec<_> = faults
        .iter()
        .flat_map(|fault| [(fault, Endpoint::Token), (fault, Endpoint::Keys)])
        .collect();
    assert_eq!(each(&cases, |(fault, at)| run::run(fault, *at)), 96);
}

#[test]
fn of_tls() {
    let cases = tls::all();
    assert_eq!(cases.len(), 12);
    assert_eq!(each(&cases, tls::run), 12);
}
