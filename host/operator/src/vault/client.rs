use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;

use super::{
    VaultError, VaultSettings,
    subject::{RULE, VaultRequest},
};
use tailmint::connection::{ApiResponse, Connections};
use tailmint::event::{Event, Observer};
use tailmint::{Interrupt, Secret};
use tailmint_api::{OutsideText, USER_AGENT};
use tailmint_audit::Journal;
use tailmint_core::Decision;

/// Sends the requests of one push, one after the other, on one connection. Each is
/// written down before it leaves.
pub(super) struct Client<'a> {
    settings: &'a VaultSettings,
    connections: Connections,
    journal: &'a Journal,
    observer: Arc<dyn Observer>,
    interrupt: Interrupt,
}

/// A request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// With the query, if there is one.
    pub(super) path: String,
    pub(super) body: Bytes,
    /// The secrets that it carries in its body.
    pub(super) secrets: Vec<(&'static str, &'a Secret)>,
    pub(super) with_token: bool,
}

/// A secret with its metadata is under 4 KiB. One to which others added so much is
/// not this one.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

impl Call<'_> {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: Bytes::new(),
            secrets: Vec::new(),
            with_token: true,
        }
    }

    /// Whether it may have changed something although its response is not known.
    fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

impl<'a> Client<'a> {
    pub(super) fn new(
        settings: &'a VaultSettings,
        journal: &'a Journal,
        observer: Arc<dyn Observer>,
        interrupt: Interrupt,
    ) -> Self {
        let address = &settings.address;
        let connections = Connections::to_host(
            settings.trust.clone(),
            address.host().to_owned(),
            address.port(),
            None,
        );
        Self {
            settings,
            connections,
            journal,
            observer,
            interrupt,
        }
    }

    /// Sends it and reads the whole response. When the interrupt is raised, a request
    /// that changes nothing is given up; one that may have changed something is not.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<ApiResponse, VaultError> {
        if self.interrupt.is_raised() {
            return Err(VaultError::Interrupted);
        }
        let request = self.request(call)?;
        let decision = Decision::allowed(RULE);
        let host = self.settings.address.authority();
        let subject = VaultRequest {
            decision: &decision,
            host: &host,
            method: &call.method,
            path: &call.path,
            bytes: call.body.len(),
        };
        let mut secrets = call.secrets.clone();
        if call.with_token {
            secrets.push(("vault-token", &self.settings.token));
        }
        self.journal.decision(&subject, &secrets)?;
        self.observer.observe(&subject.event());
        let begun = Instant::now();
        let sending = self.connections.send(request, MAX_RESPONSE_BYTES);
        let sent = if call.changes() {
            sending.await
        } else {
            tokio::select! {
                sent = sending => sent,
                () = self.interrupt.raised() => return Err(VaultError::Interrupted),
            }
        };
        let elapsed = begun.elapsed();
        match sent {
            Ok(response) => {
                let (status, bytes) = (response.status.as_u16(), response.body.len());
                self.observer.observe(&Event::Responded {
                    rule: RULE,
                    status,
                    body_bytes: bytes,
                    elapsed,
                });
                match self
                    .journal
                    .response(&subject, status, bytes, elapsed, None)
                {
                    Ok(()) => Ok(response),
                    Err(error) if call.changes() => Err(VaultError::OutcomeUnknown {
                        detail: OutsideText::of(error),
                    }),
                    Err(error) => Err(error.into()),
                }
            }
            Err(failure) => {
                self.observer.observe(&Event::Failed {
                    rule: RULE,
                    failure: &failure,
                    elapsed,
                });
                self.journal.failure(&subject, &failure, elapsed)?;
                Err(if call.changes() && failure.may_have_arrived() {
                    VaultError::OutcomeUnknown {
                        detail: OutsideText::of(failure),
                    }
                } else {
                    VaultError::Unreachable(failure)
                })
            }
        }
    }

    fn request(&self, call: &Call<'_>) -> Result<Request<Full<Bytes>>, VaultError> {
        let unusable = |_| VaultError::Internal("the request could not be written");
        let mut request = Request::builder()
            .method(&call.method)
            .uri(&call.path)
            .header(header::HOST, self.settings.address.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            // An agent or a proxy of Vault's may insist on it: no browser sends it.
            .header("x-vault-request", "true");
        if call.with_token {
            let token = self.settings.token.expose_secret();
            let mut value = HeaderValue::from_str(token)
                .map_err(|_| VaultError::Internal("the token cannot be in a header"))?;
            value.set_sensitive(true);
            request = request.header("x-vault-token", value);
        }
        if !call.body.is_empty() {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::CONTENT_LENGTH, call.body.len());
        }
        request.body(Full::new(call.body.clone())).map_err(unusable)
    }
}
