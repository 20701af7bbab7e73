use std::{
    sync::Arc,
    time::{Duration, Instant as Clock},
};

use tailmint::{
    Interrupt,
    connection::{Proxy, Trust},
    event::{Event, Observer},
};
use tailmint_audit::Journal;
use tailmint_core::Failure;
use tokio::time::{Instant, timeout_at};

use super::{
    IdentityError,
    call::Call,
    connection::send,
    received::Received,
    subject::{IdentityRequest, RULE},
};

/// What a request that the policy allows is sent with. It is written down before it leaves,
/// and its response before that is used.
pub(super) struct Sending<'a> {
    pub(super) journal: &'a Journal,
    pub(super) observer: &'a Arc<dyn Observer>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) trust: &'a Trust,
    /// Through which a service elsewhere is asked.
    pub(super) proxy: Option<&'a Proxy>,
    /// How long all of it may take, for what is said where it took longer.
    pub(super) limit: Duration,
}

impl Sending<'_> {
    /// Sends it, and waits for the response until then. [`Sending::written`] has to be called
    /// with a response before it is used.
    pub(super) async fn send(
        &self,
        call: &Call,
        subject: &IdentityRequest<'_>,
        deadline: Instant,
    ) -> Result<Result<(Received, Duration), Failure>, IdentityError> {
        if self.interrupt.is_raised() {
            return Err(IdentityError::Interrupted);
        }
        let request = call.request()?;
        let secrets: Vec<_> = call.secrets.iter().map(|(name, it)| (*name, it)).collect();
        self.journal.decision(subject, &secrets)?;
        self.observer.observe(&subject.event());
        let begun = Clock::now();
        let sent = tokio::select! {
            sent = timeout_at(deadline, send(&call.peer, self.trust, self.proxy, request)) => sent,
            () = self.interrupt.raised() => return Err(IdentityError::Interrupted),
        };
        let elapsed = begun.elapsed();
        let limit = self.limit;
        match sent.unwrap_or(Err(Failure::ResponseTimeout { limit })) {
            Ok(received) => {
                self.observer.observe(&Event::Responded {
                    rule: RULE,
                    status: received.status.as_u16(),
                    body_bytes: received.body.len(),
                    elapsed,
                });
                Ok(Ok((received, elapsed)))
            }
            Err(failure) => {
                self.observer.observe(&Event::Failed {
                    rule: RULE,
                    failure: &failure,
                    elapsed,
                });
                self.journal.failure(subject, &failure, elapsed)?;
                Ok(Err(failure))
            }
        }
    }

    /// Writes down what came, with the token that the subject has.
    pub(super) fn written(
        &self,
        subject: &IdentityRequest<'_>,
        received: &Received,
        elapsed: Duration,
    ) -> Result<(), IdentityError> {
        let used = subject.token.map(|token| ("id-token", token.text()));
        let used: Vec<_> = used.into_iter().collect();
        let (status, bytes) = (received.status.as_u16(), received.body.len());
        self.journal
            .response_with(subject, status, bytes, elapsed, &used)?;
        Ok(())
    }
}
