use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tailmint::connection::{Limits, Trust};
use tailmint::{Diagnose, KeyProperties, MintError, MintedKey, Minter};
use tailmint_audit::{Audit, AuditError, Entry};
use tailmint_simulator::{Endpoint, Fault};

use super::{
    door::{Closed, Door},
    fault::{Case, How, Outcome},
};
use crate::world::World;

/// What every step may take here: far above what the API's stand-in needs on a
/// busy machine, far below the usual.
const LIMIT: Duration = Duration::from_millis(1500);

/// What a whole call may take: four tries of a token and a key, and the waits
/// between them, on a machine that has other things to do.
const BUDGET: Duration = Duration::from_secs(20);

/// More often than anyone tries.
const ALWAYS: usize = 100;

/// An audit in memory.
#[derive(Default)]
struct Lines(Mutex<Vec<Value>>);

impl Audit for Lines {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        let line = serde_json::to_value(entry).unwrap();
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

/// What is seen of one call.
pub(super) struct Seen {
    pub(super) result: Result<MintedKey, MintError>,
    pub(super) elapsed: Duration,
    /// How many requests were decided about, and ended.
    pub(super) requests: usize,
}

/// Mints, and checks what holds whatever happens.
pub(super) fn mint(world: &World, name: &str, to: std::net::SocketAddr) -> Seen {
    let lines = Arc::new(Lines::default());
    let minter = Minter::builder()
        .trust(Trust::pem_file(world.path().join("ca.pem")).unwrap())
        .connect_to(to.to_string().parse().unwrap())
        .limits(Limits::at_most(LIMIT))
        .audit(lines.clone())
        .build()
        .unwrap();
    let credential = world.account();
    let key = KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let begun = Instant::now();
    let result = runtime.block_on(minter.mint(&credential, &key));
    let elapsed = begun.elapsed();
    assert!(elapsed < BUDGET, "{name}: {elapsed:?}");
    assert!(world.simulator.keys().len() <= 1, "{name}: keys");
    // Every decision has its answer, or the reason why there is none.
    let lines = lines.0.lock().unwrap();
    for pair in lines.chunks(2) {
        assert_eq!(pair[0]["event"], "decision", "{name}: {lines:?}");
        assert_eq!(pair[0]["decision"], "allow", "{name}: {lines:?}");
        let end = pair.get(1).map(|line| line["event"].as_str().unwrap());
        assert!(
            matches!(end, Some("response" | "failure")),
            "{name}: {lines:?}"
        );
        assert_eq!(pair[0]["rule"], pair[1]["rule"], "{name}");
    }
    if let Err(error) = &result {
        let hint = error.hint().unwrap_or_default();
        assert!(!hint.is_empty(), "{name}: {error}");
        assert!(!error.message.contains(char::is_control), "{name}: {error}");
        let told = format!("{error:?}{lines:?}");
        world.assert_no_secret(told.as_bytes(), name);
    }
    Seen {
        result,
        elapsed,
        requests: lines.len() / 2,
    }
}

/// Lets the API fail in this way at this endpoint, and mints.
pub(super) fn run(case: &Case, endpoint: Endpoint) {
    let at_keys = endpoint == Endpoint::Keys;
    let outcome = if at_keys { case.keys } else { case.token };
    let name = format!("{} ({endpoint:?})", case.name);
    let world = World::new();
    let api = &world.simulator;
    let times = match outcome {
        Outcome::SucceedsAfter(_) => 1,
        Outcome::Fails(_) | Outcome::FailsInTheEnd(_) | Outcome::Revoked(_) => ALWAYS,
    };
    // The key is asked for on a new connection where that is what goes wrong.
    let mut door = None;
    if at_keys && !matches!(case.how, How::Answer(_)) {
        api.misbehave(Endpoint::Token, Fault::Close, ALWAYS);
    }
    match &case.how {
        How::Answer(fault) => api.misbehave(endpoint, fault.clone(), times),
        How::Connection(greeting) => api.greet(usize::from(at_keys), *greeting),
        How::Refused => door = Some(Door::new(at_keys, Closed::Refusing, api.address())),
        How::BlackHole => door = Some(Door::new(at_keys, Closed::Silent, api.address())),
    }
    let to = door.as_ref().map_or(api.address(), |door| door.address);
    let seen = mint(&world, &name, to);
    // A try that fails at the keys is a token and a key; the token alone is one
    // where the connection is what fails.
    let tries = match (&case.how, at_keys) {
        (How::Answer(_), true) => seen.requests / 2,
        (_, true) => seen.requests - 1,
        (_, false) => seen.requests,
    };
    match (outcome, &seen.result) {
        (Outcome::Fails(class), Err(error)) => {
            assert_eq!(error.class(), class, "{name}: {error}");
            assert_eq!(tries, 1, "{name}: {error}");
        }
        (Outcome::Revoked(class), Err(error)) => {
            assert_eq!(error.class(), class, "{name}: {error}");
            assert_eq!(error.left_behind.len(), 1, "{name}: {error}");
            // It, and a token and a request to delete it.
            assert_eq!(tries, 2, "{name}: {error}");
        }
        (Outcome::FailsInTheEnd(class), Err(error)) => {
            assert_eq!(error.class(), class, "{name}: {error}");
            assert_eq!(tries, 4, "{name}: {error}");
        }
        (Outcome::SucceedsAfter(wait), Ok(_)) => {
            assert!(seen.elapsed >= wait, "{name}: {:?}", seen.elapsed);
            assert_eq!(world.simulator.live_keys().len(), 1, "{name}");
        }
        (_, Ok(_)) => panic!("{name}: it minted"),
        (_, Err(error)) => panic!("{name}: {error}"),
    }
}
