use std::sync::Arc;

use http::StatusCode;
use tailmint::{
    Interrupt,
    connection::{Proxy, Trust},
    event::{Event, Observer},
};
use tailmint_audit::Journal;
use tailmint_core::{Decision, Secret};
use tokio::time::{Instant, sleep};

use super::{
    IdToken, IdentityError, Platform, azure,
    call::Call,
    endpoints::Endpoints,
    fly, gcp, github,
    received::Received,
    sending::Sending,
    subject::{FETCH, IdentityRequest, RULE},
};

/// A platform that is asked for one token. Each request is written down before it leaves.
pub(super) struct Asking<'a> {
    pub(super) platform: &'a Platform,
    pub(super) audience: &'a str,
    pub(super) journal: Journal,
    pub(super) observer: &'a Arc<dyn Observer>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) trust: &'a Trust,
    pub(super) proxy: Option<&'a Proxy>,
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

    async fn attempt(&self, call: &Call, deadline: Instant) -> Result<Attempt, IdentityError> {
        let decision = Decision::allowed(RULE);
        let subject = self.subject(&decision, Some(call));
        let sending = Sending {
            journal: &self.journal,
            observer: self.observer,
            interrupt: self.interrupt,
            trust: self.trust,
            proxy: self.proxy,
            limit: self.endpoints.limit,
        };
        let (received, elapsed) = match sending.send(call, &subject, deadline).await? {
            Ok(received) => received,
            Err(failure) => {
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
        let secrets: Vec<_> = call.secrets.iter().map(|(_, secret)| secret).collect();
        let token = self.token(&received, &secrets);
        let subject = IdentityRequest {
            token: token.as_ref().ok(),
            ..subject
        };
        sending.written(&subject, &received, elapsed)?;
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
            operation: FETCH,
            source: Some(self.platform.kind()),
            audience: Some(self.audience),
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
