use tailmint_api::{Operation, Rule};
use tailmint_core::{Decision, Denial};

use crate::{Policy, Request};

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
    /// What the policy would decide about the request during the operation. What the
    /// caller asks for is not known here: a request that the policy allows is sent only
    /// where it is also what was asked for.
    pub fn explain(&self, operation: Operation, request: http::Request<Vec<u8>>) -> Explained {
        let (parts, body) = request.into_parts();
        let denied = |denial| Explained {
            decision: Decision::denied(Decision::NO_RULE, denial),
            path_template: None,
        };
        let request = match Request::parse(&parts, &body) {
            Ok(request) => request,
            Err(denial) => return denied(denial),
        };
        // Two rules may have one route: the operation's own decides.
        let mut rules = [operation.rule()]
            .into_iter()
            .chain(Rule::ALL.iter().copied());
        let Some(rule) = rules.find(|rule| request.is_of(rule.route())) else {
            let reason = "no rule has this method and path";
            return denied(Denial::new("route", reason));
        };
        Explained {
            decision: self.decide(rule, operation, &request, 0),
            path_template: Some(rule.route().template()),
        }
    }
}
