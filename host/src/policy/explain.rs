use http::Request;

use super::{Decision, Operation, Outbound, Policy, Refusal, Rule};
use crate::{KeyId, Tailnet};

/// What the policy says about a request that nobody sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// What it decides.
    pub decision: Decision,
    /// The template of the rule's path, where a rule matched.
    pub path_template: Option<&'static str>,
}

impl Policy {
    /// What the policy would decide about the request during the operation. What
    /// the caller asks for is not known here: a request that the policy allows
    /// leaves only where it is also what was asked for.
    pub fn explain(&self, operation: Operation, request: Request<Vec<u8>>) -> Explained {
        let (parts, body) = request.into_parts();
        let refused = |rule, refusal| Explained {
            decision: Decision {
                rule,
                refusal: Some(refusal),
                reported: None,
            },
            path_template: None,
        };
        let outbound = match Outbound::parse(&parts, &body) {
            Ok(outbound) => outbound,
            Err(refusal) => return refused("no-rule", refusal),
        };
        // Two rules may have one route: the operation's own decides.
        let own = Rule::of_operation(operation);
        let mut rules = [own].into_iter().chain(Rule::ALL);
        let Some(rule) = rules.find(|rule| rule.is_for(&outbound)) else {
            let reason = "no rule has this method and path";
            return refused("no-rule", Refusal::new("route", reason));
        };
        let verdict = self.check(rule, operation, &outbound, 0).err();
        let (refusal, reported) = if self.reports() {
            (None, verdict)
        } else {
            (verdict, None)
        };
        Explained {
            decision: Decision {
                rule: rule.name(),
                refusal,
                reported,
            },
            path_template: Some(rule.route().template()),
        }
    }
}

impl Rule {
    /// Whether the request has the rule's method, and its path for some tailnet
    /// and some key.
    fn is_for(self, outbound: &Outbound) -> bool {
        let template = self.route().template();
        let parts = (template.split('/'), outbound.path.split('/'));
        let matches = |(expected, found): (&str, &str)| match expected {
            "{tailnet}" => found.parse::<Tailnet>().is_ok(),
            "{id}" => found.parse::<KeyId>().is_ok(),
            literal => literal == found,
        };
        outbound.method == self.route().method().as_str()
            && template.split('/').count() == outbound.path.split('/').count()
            && parts.0.zip(parts.1).all(matches)
    }
}
