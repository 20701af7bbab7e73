//! What becomes of a request of the component. [`Run::pass`] reads as the list of steps.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request as HttpRequest, Response, request::Parts};
use http_body_util::Full;
use tailmint_api::{ApiError, Effect, KeyId, Rule, from_json};
use tailmint_audit::{AuditError, Journal};
use tailmint_core::{Decision, Denial, Event, Failure, Observer, Secret};
use tailmint_policy::{Intent, MAX_BODY_BYTES, Request, RunPolicy};
use wasmtime_wasi_http::Error as WasiError;

use super::{ApiResponse, Connections, code::code, rewrite::rewrite, subject::ComponentRequest};
use crate::seal::{Issued, Seals};

/// One call of the component, as its requests see it.
pub(crate) struct Run {
    intent: Intent,
    state: Mutex<State>,
    connections: Arc<Connections>,
    observer: Arc<dyn Observer>,
    journal: Journal,
}

struct State {
    policy: RunPolicy,
    seals: Seals,
    outcome: Outcome,
    /// Whether the call has ended.
    is_over: bool,
}

/// What the host itself saw of a run, beside what the component says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// The last request that was sent.
    pub(crate) last_sent: Option<Rule>,
    /// The responses, in their order.
    pub(crate) responses: Vec<Seen>,
    /// Why the last request that was sent had no response.
    pub(crate) failure: Option<Failure>,
    /// The first denial.
    pub(crate) denied: Option<Decision>,
    /// Why something could not be written down.
    pub(crate) unwritten: Option<String>,
    /// How many requests may have created something whose id nobody knows, or changed
    /// something without a word.
    pub(crate) open: u32,
}

/// A response that the component was given.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// What the request was for.
    pub(crate) rule: Rule,
    pub(crate) status: u16,
    /// The body as the component sees it.
    pub(crate) body: Bytes,
}

impl Outcome {
    /// The response to the last request that was sent, if there was one.
    pub(crate) fn last_response(&self) -> Option<&Seen> {
        let last = self.responses.last()?;
        (self.failure.is_none() && self.last_sent == Some(last.rule)).then_some(last)
    }
}

/// A request that is about to be sent: allowed, and written anew with the secrets in it.
struct Ready {
    rule: Rule,
    request: HttpRequest<Full<Bytes>>,
}

/// Whether it matters for ever that nobody knows whether the request was carried out. What
/// was deleted can be deleted once more.
fn leaves_open(rule: Rule) -> bool {
    match rule.effect() {
        Effect::Creates(_) | Effect::Changes => true,
        Effect::Reads | Effect::Deletes => false,
    }
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
            intent: policy.intent().clone(),
            state: Mutex::new(State {
                policy,
                seals,
                outcome: Outcome::default(),
                is_over: false,
            }),
            connections,
            observer,
            journal,
        }
    }

    /// The pipeline: decide and unseal, write down, send, write down, cap and seal, hand
    /// back. What is not written down does not happen: the request is not sent, its
    /// response is not handed back.
    pub(crate) async fn pass(
        &self,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Response<Bytes>, WasiError> {
        let (decision, rule, ready) = self.decide(parts, body);
        let subject = ComponentRequest::new(&self.intent, &decision, rule, (parts, body.len()));
        self.write_decision(&subject, ready.as_ref())?;
        self.tell_decision(&decision, rule, parts, body.len());
        let Some(ready) = ready else {
            return Err(self.deny(decision));
        };
        let rule = ready.rule;
        let begun = Instant::now();
        let sent = self.send(ready).await;
        let elapsed = begun.elapsed();
        match sent {
            Ok(response) => self.hand_back(rule, &subject, response, elapsed),
            Err(failure) => Err(self.fail(rule, &subject, &failure, elapsed)?),
        }
    }

    /// Decides about the request. Where it is allowed, it is written anew with the real
    /// secrets, which may deny it too: a placeholder stands where none belongs.
    fn decide(&self, parts: &Parts, body: &[u8]) -> (Decision, Option<Rule>, Option<Ready>) {
        let request = Request::parse(parts, body);
        let mut state = self.state();
        if state.is_over {
            let denial = Denial::new("call", "it has ended");
            return (Decision::denied(Decision::NO_RULE, denial), None, None);
        }
        let (mut decision, rule) = state.policy.decide(&request);
        let (Some(allowed), Ok(judged), true) = (rule, &request, decision.allows()) else {
            return (decision, rule, None);
        };
        match rewrite(allowed, judged, &self.intent, &state.seals) {
            Ok(request) => {
                let ready = Ready {
                    rule: allowed,
                    request,
                };
                (decision, rule, Some(ready))
            }
            Err(denial) => {
                decision.denial = Some(denial);
                (decision, rule, None)
            }
        }
    }

    fn write_decision(
        &self,
        subject: &ComponentRequest<'_>,
        ready: Option<&Ready>,
    ) -> Result<(), WasiError> {
        let state = self.state();
        let carried = ready.map_or_else(Vec::new, |ready| state.seals.carried(ready.rule));
        let written = self.journal.decision(subject, &carried);
        drop(carried);
        drop(state);
        self.written(written)
    }

    fn tell_decision(&self, decision: &Decision, rule: Option<Rule>, parts: &Parts, bytes: usize) {
        self.observer.observe(&Event::Decided {
            decision,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            path_template: rule.map(|rule| rule.route().template()),
            body_bytes: bytes,
        });
    }

    fn deny(&self, decision: Decision) -> WasiError {
        self.state().outcome.denied.get_or_insert(decision);
        WasiError::HttpRequestDenied
    }

    async fn send(&self, ready: Ready) -> Result<ApiResponse, Failure> {
        {
            let outcome = &mut self.state().outcome;
            outcome.last_sent = Some(ready.rule);
            outcome.failure = None;
            if leaves_open(ready.rule) {
                outcome.open += 1;
            }
        }
        let most = ready.rule.route().max_response_bytes();
        self.connections.send(ready.request, most).await
    }

    /// Seals the response and hands it back, once it is written down.
    fn hand_back(
        &self,
        rule: Rule,
        subject: &ComponentRequest<'_>,
        response: ApiResponse,
        elapsed: Duration,
    ) -> Result<Response<Bytes>, WasiError> {
        let (status, bytes) = (response.status.as_u16(), response.body.len());
        self.observer.observe(&Event::Responded {
            rule: rule.name(),
            status,
            body_bytes: bytes,
            elapsed,
        });
        let (sealed, created) = {
            let mut state = self.state();
            let before = state.seals.issued_ids();
            let sealed = response.seal(rule, &mut state.seals);
            let mut created = state.seals.issued_ids();
            created.retain(|id| !before.contains(id));
            let created = created.pop();
            let body = match &sealed {
                Ok(sealed) => sealed.body().clone(),
                Err(_) => Bytes::new(),
            };
            let is_rejected =
                from_json(&body).is_ok_and(|error: ApiError| error.proves_rejection(status));
            // What was changed has no id by which it could be taken back: a success settles
            // it once the whole call is one.
            if leaves_open(rule) && (created.is_some() || is_rejected) {
                state.outcome.open -= 1;
            }
            state.outcome.responses.push(Seen { rule, status, body });
            (sealed, created)
        };
        let created = created.as_ref();
        self.written(
            self.journal
                .response(subject, status, bytes, elapsed, created),
        )?;
        sealed.map_err(|error| WasiError::InternalError(Some(error.to_string())))
    }

    /// Writes down why no response came; what the component is told of it.
    fn fail(
        &self,
        rule: Rule,
        subject: &ComponentRequest<'_>,
        failure: &Failure,
        elapsed: Duration,
    ) -> Result<WasiError, WasiError> {
        self.observer.observe(&Event::Failed {
            rule: rule.name(),
            failure,
            elapsed,
        });
        {
            let outcome = &mut self.state().outcome;
            outcome.failure = Some(failure.clone());
            if leaves_open(rule) && !failure.may_have_arrived() {
                outcome.open -= 1;
            }
        }
        self.written(self.journal.failure(subject, failure, elapsed))?;
        Ok(code(failure))
    }

    fn written(&self, written: Result<(), AuditError>) -> Result<(), WasiError> {
        written.map_err(|error| {
            self.state().outcome.unwritten = Some(error.to_string());
            WasiError::HttpRequestDenied
        })
    }

    /// Denies the whole call where its request would be denied in the end.
    pub(crate) fn foresee(&self) -> Option<Decision> {
        let (decision, rule) = self.state().policy.foresee()?;
        let subject = ComponentRequest::foreseen(&self.intent, &decision, rule);
        let written = self.journal.decision(&subject, &[]);
        self.written(written).ok();
        self.observer.observe(&Event::Decided {
            decision: &decision,
            method: rule.route().method().as_str(),
            path: rule.route().template(),
            path_template: Some(rule.route().template()),
            body_bytes: 0,
        });
        Some(decision)
    }

    /// Denies a request whose body cannot be taken.
    pub(super) fn deny_body(&self, parts: &Parts, reason: String) -> WasiError {
        let decision = Decision::denied(Decision::NO_RULE, Denial::new("body", reason));
        let subject = ComponentRequest::new(&self.intent, &decision, None, (parts, 0));
        let written = self.journal.decision(&subject, &[]);
        self.written(written).ok();
        self.tell_decision(&decision, None, parts, MAX_BODY_BYTES);
        self.deny(decision)
    }

    /// The key behind the placeholder that the component returned, if the API gave it out
    /// in this run.
    pub(crate) fn open_result(&self, text: &str) -> Option<Issued> {
        self.state().seals.open_result(text)
    }

    /// Whether it may be abandoned before it has sent what it is for. What deletes
    /// something is carried to its end.
    pub(crate) fn is_interruptible(&self) -> bool {
        match self.intent.rule().effect() {
            Effect::Reads | Effect::Creates(_) | Effect::Changes => true,
            Effect::Deletes => false,
        }
    }

    /// What an identity token was exchanged for, and how long that lives.
    pub(crate) fn exchanged(&self) -> Option<(Secret, Duration)> {
        self.state().seals.exchanged()
    }

    /// Ends the run: nothing is sent any more, also not by a task that outlives the call.
    /// What the API created in it, and whether there may be something whose id is not known,
    /// or that was changed without a word.
    pub(crate) fn end(&self) -> (Vec<KeyId>, bool) {
        let mut state = self.state();
        state.is_over = true;
        (state.seals.issued_ids(), state.outcome.open > 0)
    }

    /// The rule of the request that the call is about.
    pub(crate) fn rule(&self) -> Rule {
        self.intent.rule()
    }

    /// What the host saw.
    pub(crate) fn outcome(&self) -> Outcome {
        self.state().outcome.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make the seals less true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
