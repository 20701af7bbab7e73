use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;

use super::{
    VaultError, VaultSettings,
    journal::{About, Journal, RULE},
};
use crate::{
    Interrupt, Secret,
    egress::{Connections, Connector, Inbound},
    event::{Event, Observer},
    policy::Decision,
};

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
const MAX_ANSWER_BYTES: usize = 64 * 1024;

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

    /// Whether it may have done something where its answer is not known.
    fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

/// How Vault's audit calls whoever asks.
const USER_AGENT: &str = concat!("tailmint/", env!("CARGO_PKG_VERSION"));

impl<'a> Client<'a> {
    pub(super) fn new(
        settings: &'a VaultSettings,
        journal: &'a Journal,
        observer: Arc<dyn Observer>,
        interrupt: Interrupt,
    ) -> Self {
        let address = &settings.address;
        let connector = Connector::of_host(
            settings.trust.clone(),
            address.host().to_owned(),
            address.port(),
        );
        Self {
            settings,
            connections: Connections::new(connector),
            journal,
            observer,
            interrupt,
        }
    }

    /// Sends it and takes the whole answer. A request that changes nothing is given
    /// up on when the interrupt is raised; one that may have is not.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Inbound, VaultError> {
        if self.interrupt.is_raised() {
            return Err(VaultError::Interrupted);
        }
        let request = self.request(call)?;
        let about = About {
            method: &call.method,
            path: &call.path,
            request_bytes: call.body.len(),
        };
        let mut secrets = call.secrets.clone();
        if call.with_token {
            secrets.push(("vault-token", &self.settings.token));
        }
        self.journal.allowed(&about, &secrets)?;
        self.decided(call);
        let begun = Instant::now();
        let sending = self.connections.send(request, MAX_ANSWER_BYTES);
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
            Ok(inbound) => {
                let (status, bytes) = (inbound.status.as_u16(), inbound.body.len());
                self.observer.observe(&Event::Answered {
                    rule: RULE,
                    status,
                    body_bytes: bytes,
                    elapsed,
                });
                match self.journal.answered(&about, status, bytes, elapsed) {
                    Ok(()) => Ok(inbound),
                    Err(error) if call.changes() => Err(VaultError::OutcomeUnknown {
                        detail: error.to_string(),
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
                self.journal.failed(&about, &failure, elapsed)?;
                Err(if call.changes() && failure.may_have_arrived() {
                    VaultError::OutcomeUnknown {
                        detail: failure.to_string(),
                    }
                } else {
                    VaultError::Unreachable(failure)
                })
            }
        }
    }

    fn decided(&self, call: &Call<'_>) {
        self.observer.observe(&Event::Decided {
            decision: &Decision {
                rule: RULE,
                refusal: None,
                reported: None,
            },
            method: call.method.as_str(),
            path: &call.path,
            path_template: None,
            body_bytes: call.body.len(),
        });
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
