use std::{sync::Arc, time::Instant as Clock};

use http::StatusCode;
use tailmint::{
    Interrupt,
    connection::Trust,
    event::{Event, Observer},
};
use tailmint_audit::Journal;
use tailmint_core::{Decision, Failure, Secret};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    IdToken, IdentityError, Platform, azure,
    call::Call,
    connection::send,
    endpoints::Endpoints,
    fly, gcp, github,
    received::Received,
    subject::{IdentityRequest, RULE},
};

/// A platform that is asked for one token. Each request is written down before it leaves.
pub(super) struct Asking<'a> {
    pub(super) platform: &'a Platform,
    pub(super) audience: &'a str,
    pub(super) journal: Journal,
    pub(super) observer: &'a Arc<dyn Observer>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) trust: &'a Trust,
    pub(super) endpoints: &'a Endpoints,
}

/// What one request led to.
enum Attempt {
    Token(IdToken),
    /// It may be another the next time.
    Again(IdentityError),
    Failed(IdentityError),
}

impl Asking<'_> {
    /// Asks, and asks again where the service of the machine is not there yet.
    pub(super) async fn ask(&self, call: &Call) -> Result<IdToken, IdentityError> {
        let deadline = Instant::now() + self.endpoints.limit;
        let mut waits = self.endpoints.waits.iter();
        loop {
            let error = match self.attempt(call, deadline).await? {
                Attempt::Token(token) => return Ok(token),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again(error) => error,
            };
            let wait = waits
                .next()
                .filter(|wait| Instant::now() + **wait < deadline);
            let Some(wait) = wait else {
                return Err(error);
            };
            self.observer.observe(&Event::Waiting {
                reason: &error.to_string(),
                wait: *wait,
            });
            tokio::select! {
                () = sleep(*wait) => {}
                () = self.interrupt.raised() => return Err(IdentityError::Interrupted),
            }
        }
    }

    /// Writes down that the policy denies it.
    pub(super) fn denied(
        &self,
        denial: tailmint_core::Denial,
        call: Option<&Call>,
    ) -> Result<IdentityError, IdentityError> {
        let decision = Decision::denied(RULE, denial.clone());
        let subject = self.subject(&decision, call);
        self.journal.decision(&subject, &[])?;
        self.observer.observe(&subject.event());
        Ok(IdentityError::Denied(denial))
    }

    async fn attempt(&self, call: &Call, deadline: Instant) -> Result<Attempt, IdentityError> {
        if self.interrupt.is_raised() {
            return Err(IdentityError::Interrupted);
        }
        let request = call.request()?;
        let decision = Decision::allowed(RULE);
        let subject = self.subject(&decision, Some(call));
        let secrets: Vec<_> = call.secrets.iter().map(|(name, it)| (*name, it)).collect();
        self.journal.decision(&subject, &secrets)?;
        self.observer.observe(&subject.event());
        let begun = Clock::now();
        let sent = tokio::select! {
            sent = timeout_at(deadline, send(&call.peer, self.trust, request)) => sent,
            () = self.interrupt.raised() => return Err(IdentityError::Interrupted),
        };
        let elapsed = begun.elapsed();
        let limit = self.endpoints.limit;
        let sent = sent.unwrap_or(Err(Failure::ResponseTimeout { limit }));
        let received = match sent {
            Ok(received) => received,
            Err(failure) => {
                self.observer.observe(&Event::Failed {
                    rule: RULE,
                    failure: &failure,
                    elapsed,
                });
                self.journal.failure(&subject, &failure, elapsed)?;
                let is_later = self.may_come_later() && !failure.may_have_arrived();
                let error = IdentityError::Unreachable {
                    platform: self.platform.kind(),
                    failure,
                };
                return Ok(if is_later {
                    Attempt::Again(error)
                } else {
                    Attempt::Failed(error)
                });
            }
        };
        let (status, bytes) = (received.status.as_u16(), received.body.len());
        self.observer.observe(&Event::Responded {
            rule: RULE,
            status,
            body_bytes: bytes,
            elapsed,
        });
        let secrets: Vec<_> = call.secrets.iter().map(|(_, secret)| secret).collect();
        let token = self.token(&received, &secrets);
        let subject = IdentityRequest {
            token: token.as_ref().ok(),
            ..subject
        };
        let used = subject.token.map(|token| ("id-token", token.text()));
        let used: Vec<_> = used.into_iter().collect();
        self.journal
            .response_with(&subject, status, bytes, elapsed, &used)?;
        Ok(match token {
            Ok(token) => Attempt::Token(token),
            Err(error) if self.is_temporary(received.status) => Attempt::Again(error),
            Err(error) => Attempt::Failed(error),
        })
    }

    fn subject<'b>(
        &'b self,
        decision: &'b Decision,
        call: Option<&'b Call>,
    ) -> IdentityRequest<'b> {
        IdentityRequest {
            decision,
            source: self.platform.kind(),
            audience: self.audience,
            call,
            token: None,
        }
    }

    fn token(&self, received: &Received, secrets: &[&Secret]) -> Result<IdToken, IdentityError> {
        if matches!(self.platform, Platform::Gcp) {
            gcp::check(received)?;
        }
        let body = received.success(self.platform.kind(), secrets)?;
        match self.platform {
            Platform::Github => github::token(body),
            Platform::Gcp => gcp::token(body),
            Platform::Azure { .. } => azure::token(self.platform, body),
            Platform::Fly => fly::token(body),
        }
    }

    /// Whether the service is one of the machine, which may begin after what runs on it.
    fn may_come_later(&self) -> bool {
        matches!(self.platform, Platform::Gcp | Platform::Azure { .. })
    }

    /// Azure's page on its metadata service has it asked again after the first two too: they
    /// are of a service that is being updated.
    fn is_temporary(&self, status: StatusCode) -> bool {
        let is_updated = matches!(self.platform, Platform::Azure { .. })
            && matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
        let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        self.may_come_later() && (is_updated || is_busy)
    }
}
