use std::sync::Arc;

use tailmint_api::Rule;
use tailmint_core::{Decision, Denial};

use crate::{Asking, Intent, Policy, Request};

/// How many requests were sent before, in this call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    tokens: usize,
    others: usize,
}

impl Sent {
    pub(crate) fn before(self, rule: Rule) -> usize {
        if rule.is_for_token() {
            self.tokens
        } else {
            self.others
        }
    }

    fn count(&mut self, rule: Rule) {
        if rule.is_for_token() {
            self.tokens += 1;
        } else {
            self.others += 1;
        }
    }
}

/// The policy of one call: decides about each of its requests in turn.
#[derive(Debug)]
pub struct RunPolicy {
    policy: Arc<Policy>,
    intent: Intent,
    asking: Asking,
    sent: Sent,
}

impl RunPolicy {
    /// The policy for what the caller asked for, with this credential.
    pub fn new(policy: Arc<Policy>, intent: Intent, asking: Asking) -> Self {
        Self {
            policy,
            intent,
            asking,
            sent: Sent::default(),
        }
    }

    /// What the caller asked for.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Denies what would be denied in the end, before anything is sent for it.
    pub fn foresee(&self) -> Option<(Decision, Rule)> {
        let rule = self.intent.rule();
        let denial = self.policy.denies_body(rule, &self.intent.body()?)?;
        Some((Decision::denied(rule.name(), denial), rule))
    }

    /// Decides about the request, and counts it where it may be sent. A request that
    /// could not be read (`Err`) is denied as it is.
    pub fn decide(&mut self, request: &Result<Request, Denial>) -> (Decision, Option<Rule>) {
        let no_rule = |denial| (Decision::denied(Decision::NO_RULE, denial), None);
        let request = match request {
            Ok(request) => request,
            Err(denial) => return no_rule(denial.clone()),
        };
        let rule = match self.intent.rule_of(request, &self.asking) {
            Ok(rule) => rule,
            Err(denial) => return no_rule(denial),
        };
        let operation = self.intent.operation();
        let before = self.sent.before(rule);
        let decision = self.policy.decide(rule, operation, request, before);
        if !decision.allows() {
            return (decision, Some(rule));
        }
        // Whatever the policy says, nothing is sent that nobody asked for.
        if let Err(denial) = self.intent.check(rule, request, &self.asking, self.sent) {
            return (Decision::denied(rule.name(), denial), Some(rule));
        }
        self.sent.count(rule);
        (decision, Some(rule))
    }
}
