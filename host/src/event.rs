use std::time::Duration;

use crate::{egress::Failure, policy::Decision};

/// Sees what happens on the way out while it happens: for `--verbose`, a demo, a
/// log. It is told no secret.
pub trait Observer: Send + Sync {
    /// Called in the order of the events, on the task that mints: be quick.
    fn observe(&self, event: &Event<'_>);
}

/// Something that happened on the way out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The policy decided about a request. If it allows it, it leaves next.
    Decided {
        /// What it decided.
        decision: &'a Decision,
        /// The method, in the component's own words.
        method: &'a str,
        /// The path, in the component's own words.
        path: &'a str,
        /// The path with its variable parts named, where a rule matched.
        path_template: Option<&'static str>,
        /// The size of the request's body.
        body_bytes: usize,
    },
    /// An answer came.
    Answered {
        /// The rule that let the request out.
        rule: &'static str,
        /// The answer's status.
        status: u16,
        /// The size of its body.
        body_bytes: usize,
        /// How long it took, with making the connection where there was none.
        elapsed: Duration,
    },
    /// No answer came.
    Failed {
        /// The rule that let the request out.
        rule: &'static str,
        /// Why.
        failure: &'a Failure,
        /// How long it took.
        elapsed: Duration,
    },
    /// The call is tried again after a wait.
    Waiting {
        /// Why it is tried again.
        reason: &'a str,
        /// How long the wait is.
        wait: Duration,
    },
}

/// Sees nothing.
pub(crate) struct Blind;

impl Observer for Blind {
    fn observe(&self, _event: &Event<'_>) {}
}
