use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use bytes::Bytes;
use http::{Response, request::Parts};
use wasmtime_wasi_http::Error as WasiError;

use super::{Connections, Failure, wire::wire};
use crate::{
    audit::{About, AuditError, Journal},
    event::{Event, Observer},
    policy::{Decision, MAX_BODY_BYTES, Operation, Outbound, Refusal, Rule, RunPolicy},
    seal::{Issued, Seals},
};

/// One call of the component, as its requests see it.
pub(crate) struct Run {
    state: Mutex<State>,
    connections: Arc<Connections>,
    observer: Arc<dyn Observer>,
    journal: Journal,
}

struct State {
    policy: RunPolicy,
    seals: Seals,
    outcome: Outcome,
}

/// What the host itself saw of a run, beside what the component says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The last request that left.
    pub(crate) last_sent: Option<Rule>,
    /// The last answer: to which request, and its status.
    pub(crate) last_answer: Option<(Rule, u16)>,
    /// Why the last request that was let through had no answer.
    pub(crate) failure: Option<Failure>,
    /// The first refusal.
    pub(crate) refused: Option<Decision>,
    /// Why something could not be written down.
    pub(crate) unwritten: Option<String>,
}

impl Run {
    pub(crate) fn new(
        policy: RunPolicy,
        seals: Seals,
        connections: Arc<Connections>,
        observer: Arc<dyn Observer>,
        journal: Journal,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                policy,
                seals,
                outcome: Outcome::default(),
            }),
            connections,
            observer,
            journal,
        }
    }

    /// The pipeline: read, decide, write down, unseal, send, seal.
    pub(crate) async fn pass(
        &self,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Response<Bytes>, WasiError> {
        let request = Outbound::parse(parts, body);
        let (decision, rule, wire, about) = {
            let mut state = self.state();
            let (mut decision, rule) = state.policy.decide(&request);
            let wire = match (rule, &request) {
                (Some(rule), Ok(outbound)) if decision.allows() => {
                    match wire(rule, outbound, state.policy.intent(), &state.seals) {
                        Ok(wire) => Some(wire),
                        Err(refusal) => {
                            decision.refusal = Some(refusal);
                            None
                        }
                    }
                }
                _ => None,
            };
            let about = About::of(parts, body, state.policy.intent(), &decision, rule);
            (decision, rule, wire, about)
        };
        let secrets = match rule {
            Some(rule) if wire.is_some() => {
                let state = self.state();
                self.journal.secrets(&state.seals.carried(rule))
            }
            _ => Vec::new(),
        };
        self.written(self.journal.decision(&about, secrets))?;
        self.observer.observe(&Event::Decided {
            decision: &decision,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            path_template: rule.map(|rule| rule.route().template()),
            body_bytes: body.len(),
        });
        let (Some(rule), Some(wire)) = (rule, wire) else {
            self.state().outcome.refused.get_or_insert(decision);
            return Err(WasiError::HttpRequestDenied);
        };
        self.state().outcome.last_sent = Some(rule);
        let begun = Instant::now();
        let inbound = match self
            .connections
            .send(wire, rule.route().max_response_bytes())
            .await
        {
            Ok(inbound) => inbound,
            Err(failure) => {
                self.observer.observe(&Event::Failed {
                    rule: rule.name(),
                    failure: &failure,
                    elapsed: begun.elapsed(),
                });
                self.written(self.journal.failure(&about, &failure, begun.elapsed()))?;
                let code = failure.code();
                self.state().outcome.failure = Some(failure);
                return Err(code);
            }
        };
        self.observer.observe(&Event::Answered {
            rule: rule.name(),
            status: inbound.status.as_u16(),
            body_bytes: inbound.body.len(),
            elapsed: begun.elapsed(),
        });
        let (status, bytes) = (inbound.status.as_u16(), inbound.body.len());
        let (sealed, issued) = {
            let mut state = self.state();
            state.outcome.last_answer = Some((rule, status));
            let sealed = inbound.seal(rule, &mut state.seals);
            (sealed, state.seals.issued_ids().pop())
        };
        let elapsed = begun.elapsed();
        self.written(
            self.journal
                .response(&about, status, bytes, elapsed, issued.as_ref()),
        )?;
        sealed.map_err(|error| WasiError::InternalError(Some(error.to_string())))
    }

    /// What cannot be written down does not happen: the request is not sent, its
    /// answer is not handed back.
    fn written(&self, written: Result<(), AuditError>) -> Result<(), WasiError> {
        written.map_err(|error| {
            self.state().outcome.unwritten = Some(error.to_string());
            WasiError::HttpRequestDenied
        })
    }

    /// Refuses the whole call where its request would be refused in the end.
    pub(crate) fn foresee(&self) -> Option<Decision> {
        let (decision, rule, about) = {
            let state = self.state();
            let (decision, rule) = state.policy.foresee()?;
            let about = About::foreseen(state.policy.intent(), &decision, rule);
            (decision, rule, about)
        };
        self.written(self.journal.decision(&about, Vec::new())).ok();
        self.observer.observe(&Event::Decided {
            decision: &decision,
            method: rule.route().method().as_str(),
            path: rule.route().template(),
            path_template: Some(rule.route().template()),
            body_bytes: 0,
        });
        Some(decision)
    }

    /// Refuses a request whose body cannot be taken.
    pub(super) fn refuse_body(&self, parts: &Parts, reason: String) -> WasiError {
        let decision = Decision {
            rule: "no-rule",
            refusal: Some(Refusal::new("body", reason)),
            reported: None,
        };
        let about = {
            let state = self.state();
            About::of(parts, &[], state.policy.intent(), &decision, None)
        };
        let written = self.journal.decision(&about, Vec::new());
        self.written(written).ok();
        self.observer.observe(&Event::Decided {
            decision: &decision,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            path_template: None,
            body_bytes: MAX_BODY_BYTES,
        });
        self.state().outcome.refused.get_or_insert(decision);
        WasiError::HttpRequestDenied
    }

    /// The key behind the placeholder that the component returned, if this run
    /// made it.
    pub(crate) fn open_result(&self, text: &str) -> Option<Issued> {
        self.state().seals.open_result(text)
    }

    /// Whether it may be given up on before it has sent what it is for.
    pub(crate) fn is_interruptible(&self) -> bool {
        let operation = self.state().policy.intent().operation();
        !matches!(operation, Operation::DeleteClient | Operation::Revoke)
    }

    /// The keys or clients that the API gave out in this run.
    pub(crate) fn issued_ids(&self) -> Vec<crate::KeyId> {
        self.state().seals.issued_ids()
    }

    /// What the host saw.
    pub(crate) fn outcome(&self) -> Outcome {
        self.state().outcome.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make the seals less true.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
