use std::sync::Arc;

use super::{Decision, Intent, Outbound, Policy, Refusal, Rule, rule::Sent};

/// The policy of one call: decides about each of its requests in turn.
#[derive(Debug)]
pub(crate) struct RunPolicy {
    policy: Arc<Policy>,
    intent: Intent,
    /// The id of the OAuth client that asks, if one does.
    client_id: Option<String>,
    sent: Sent,
}

impl RunPolicy {
    /// The policy for what the caller asked for.
    pub(crate) fn new(policy: Arc<Policy>, intent: Intent, client_id: Option<String>) -> Self {
        Self {
            policy,
            intent,
            client_id,
            sent: Sent::default(),
        }
    }

    pub(crate) fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Refuses what would be refused in the end, before anything is sent for it.
    pub(crate) fn foresee(&self) -> Option<(Decision, Rule)> {
        let rule = self.intent.rule();
        let refusal = self.policy.check_body(rule, &self.intent.body()?).err()?;
        (!self.policy.reports()).then(|| (refused(rule.name(), refusal), rule))
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
        let operation = self.intent.operation();
        let before = self.sent.before(rule);
        let reported = match self.policy.check(rule, operation, outbound, before) {
            Ok(()) => None,
            Err(refusal) if self.policy.reports() => Some(refusal),
            Err(refusal) => return (refused(rule.name(), refusal), Some(rule)),
        };
        // Whatever the policy says, nothing leaves that nobody asked for.
        let client_id = self.client_id.as_deref();
        if let Err(refusal) = rule.check(outbound, &self.intent, client_id, self.sent) {
            return (refused(rule.name(), refusal), Some(rule));
        }
        self.sent.count(rule);
        let decision = Decision {
            rule: rule.name(),
            refusal: None,
            reported,
        };
        (decision, Some(rule))
    }
}

fn refused(rule: &'static str, refusal: Refusal) -> Decision {
    Decision {
        rule,
        refusal: Some(refusal),
        reported: None,
    }
}
