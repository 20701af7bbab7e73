//! What may be said to the API. Pure: a request, what the caller asked for and
//! what was sent before go in, a [`Decision`] comes out, and nothing else
//! happens.

mod decision;
mod intent;
mod operation;
mod outbound;
mod rule;

pub(crate) use decision::quoted;
pub use decision::{Decision, Refusal};
pub(crate) use intent::Intent;
pub use operation::Operation;
pub(crate) use outbound::{Body, MAX_BODY_BYTES, Outbound};
pub(crate) use rule::Rule;
use rule::Sent;

/// The policy of one run: decides about each request in turn.
#[derive(Debug)]
pub(crate) struct Policy {
    intent: Intent,
    sent: Sent,
}

impl Policy {
    /// The policy for what the caller asked for.
    pub(crate) fn new(intent: Intent) -> Self {
        Self {
            intent,
            sent: Sent::default(),
        }
    }

    pub(crate) fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Decides about the request, and counts it where it may leave. A request
    /// that could not be read (`Err`) is refused as it is.
    pub(crate) fn decide(
        &mut self,
        request: &Result<Outbound, Refusal>,
    ) -> (Decision, Option<Rule>) {
        let outbound = match request {
            Ok(outbound) => outbound,
            Err(refusal) => return (refused("no-rule", refusal.clone()), None),
        };
        let rule = match Rule::of(outbound, &self.intent) {
            Ok(rule) => rule,
            Err(refusal) => return (refused("no-rule", refusal), None),
        };
        if let Err(refusal) = rule.check(outbound, &self.intent, self.sent) {
            return (refused(rule.name(), refusal), Some(rule));
        }
        self.sent.count(rule);
        let decision = Decision {
            rule: rule.name(),
            refusal: None,
        };
        (decision, Some(rule))
    }
}

fn refused(rule: &'static str, refusal: Refusal) -> Decision {
    Decision {
        rule,
        refusal: Some(refusal),
    }
}
