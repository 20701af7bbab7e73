use std::time::Duration;

use crate::{Decision, Failure};

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
    /// The policy decided about a request. If it allows the request, the request is sent next.
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
    /// A response came.
    Responded {
        /// The rule that allowed the request.
        rule: &'static str,
        /// The response's status.
        status: u16,
        /// The size of its body.
        body_bytes: usize,
        /// How long it took, with making the connection where there was none.
        elapsed: Duration,
    },
    /// No response came.
    Failed {
        /// The rule that allowed the request.
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

/// The observer where nobody observes.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _event: &Event<'_>) {}
}
