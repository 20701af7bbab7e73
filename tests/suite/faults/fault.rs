use std::time::Duration;

use tailmint::Class;
use tailmint_simulator::{Fault, Greeting};

/// A fault, and what comes of it at each endpoint.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) how: How,
    pub(super) token: Outcome,
    pub(super) keys: Outcome,
}

/// How it shows.
pub(super) enum How {
    /// In the answer to a request.
    Answer(Fault),
    /// In what the connection meets.
    Connection(Greeting),
    /// Nobody accepts the connection.
    Refused,
    /// Nobody answers to the connection's first packet.
    BlackHole,
}

/// What a call comes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// It fails at once, without a second try.
    Fails(Class),
    /// It fails at once, and the key is revoked that the response names.
    Revoked(Class),
    /// It is tried again three times, and fails then.
    FailsInTheEnd(Class),
    /// The fault comes once, and the call succeeds after a wait of at least this.
    SucceedsAfter(Duration),
}

/// What a case is to come to where nothing else is said: the token request can be
/// repeated, the request for a key leaves open whether there is one.
pub(super) const AGAIN: Outcome = Outcome::FailsInTheEnd(Class::Unreachable);
pub(super) const UNREACHABLE: Outcome = Outcome::Fails(Class::Unreachable);
pub(super) const REVOKED: Outcome = Outcome::Revoked(Class::Unreachable);
pub(super) const REFUSED: Outcome = Outcome::Fails(Class::Rejected);
pub(super) const UNKNOWN: Outcome = Outcome::Fails(Class::OutcomeUnknown);

pub(super) const fn after(milliseconds: u64) -> Outcome {
    Outcome::SucceedsAfter(Duration::from_millis(milliseconds))
}
