//! What the issuer of a token publishes: the discovery document, and the keys that it names
//! (`OpenID` Connect Discovery 1.0, section 4). Tailscale reads both to verify a token.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, header, uri::Scheme};
use serde_json::{Map, Value};
use tailmint::{
    Account, Credential,
    connection::Proxy,
    policy::{IdentityFacts, IdentitySource},
};
use tailmint_api::{OutsideText, from_json};
use tailmint_core::{Decision, Denial};
use tokio::time::Instant;

use crate::confinement::Way;

use super::{
    IdToken, IdentityError, IdentitySources, IssuerDocument, IssuerProblem,
    call::{Call, Peer},
    sending::Sending,
    subject::{IdentityRequest, RULE},
};

/// What entries of the audit log call the operation.
const PROBE: &str = "issuer-probe";

/// Where an issuer has its discovery document, below its own address.
const DISCOVERY: &str = "/.well-known/openid-configuration";

const HTTPS_PORT: u16 = 443;

/// What an issuer publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The issuer.
    pub issuer: OutsideText,
    /// How many keys it has.
    pub keys: usize,
}

impl IdentitySources<'_> {
    /// The way to the issuer of the account's identity token, for a process that is to be
    /// confined; `None` for an account of another kind.
    pub fn way_to_issuer(&self, account: &Account) -> Option<Way> {
        let Credential::FederatedIdentity { id_token, .. } = &account.credential else {
            return None;
        };
        let token = IdToken::read(id_token.expose_secret().as_bytes()).ok()?;
        self.way_of(&call(token.issuer.as_deref()?)?)
    }

    /// Fetches what the issuer of the token publishes, as Tailscale would from elsewhere. The
    /// token itself is not sent. It is one for the identity with this client id.
    ///
    /// # Errors
    /// The outer one: the policy does not name the issuer's host, or it could not be written
    /// down; nothing was sent then. The inner one: what is wrong with what is published.
    pub async fn published(
        &self,
        client_id: &str,
        token: &IdToken,
    ) -> Result<Result<Published, IssuerProblem>, IdentityError> {
        let issuer = token.issuer.as_deref().unwrap_or_default();
        let address = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
        let document = IssuerDocument::Discovery;
        let discovery = match self.document(client_id, document, &address).await? {
            Ok(members) => members,
            Err(problem) => return Ok(Err(problem)),
        };
        let malformed = |document, what| Ok(Err(IssuerProblem::Malformed { document, what }));
        match discovery.get("issuer").and_then(Value::as_str) {
            Some(says) if says == issuer => {}
            Some(says) => {
                let says = OutsideText::new(says);
                return Ok(Err(IssuerProblem::OtherIssuer { says }));
            }
            None => return malformed(document, "does not say whose it is (issuer)"),
        }
        let Some(address) = discovery.get("jwks_uri").and_then(Value::as_str) else {
            return malformed(document, "does not say where the keys are (jwks_uri)");
        };
        let document = IssuerDocument::Keys;
        let set = match self.document(client_id, document, address).await? {
            Ok(members) => members,
            Err(problem) => return Ok(Err(problem)),
        };
        let Some(keys) = set.get("keys").and_then(Value::as_array) else {
            return malformed(document, "has no list of keys");
        };
        let is_of_token = |key: &Value| {
            let wanted = token.key_id.as_deref();
            wanted.is_none_or(|wanted| key["kid"].as_str() == Some(wanted))
        };
        if !keys.iter().any(is_of_token) {
            return Ok(Err(match &token.key_id {
                Some(key) => IssuerProblem::NoKey {
                    key: OutsideText::new(key),
                },
                None => IssuerProblem::Malformed {
                    document,
                    what: "has no key in it",
                },
            }));
        }
        Ok(Ok(Published {
            issuer: OutsideText::new(issuer),
            keys: keys.len(),
        }))
    }

    /// The JSON object at this address.
    async fn document(
        &self,
        client_id: &str,
        document: IssuerDocument,
        address: &str,
    ) -> Result<Result<Map<String, Value>, IssuerProblem>, IdentityError> {
        let malformed = |what| Ok(Err(IssuerProblem::Malformed { document, what }));
        let Some(call) = call(address) else {
            return malformed("is not at an https:// address");
        };
        let proxy = self.proxy(&call)?;
        self.allow(client_id, &call, proxy.as_ref())?;
        let journal = self.journal(client_id, proxy.as_ref())?;
        let decision = Decision::allowed(RULE);
        let subject = of_probe(&decision, &call);
        let limit = self.endpoints.limit;
        let sending = Sending {
            journal: &journal,
            observer: &self.observer,
            interrupt: self.interrupt,
            trust: &self.trust,
            proxy: proxy.as_ref(),
            limit,
        };
        let deadline = Instant::now() + limit;
        let (received, elapsed) = match sending.send(&call, &subject, deadline).await? {
            Ok(received) => received,
            Err(failure) => return Ok(Err(IssuerProblem::Unreachable { document, failure })),
        };
        sending.written(&subject, &received, elapsed)?;
        if received.status != StatusCode::OK {
            return Ok(Err(IssuerProblem::Status {
                document,
                at: OutsideText::new(address),
                status: received.status.as_u16(),
            }));
        }
        match from_json(&received.body) {
            Ok(members) => Ok(Ok(members)),
            Err(_) => malformed("is not a JSON object"),
        }
    }

    /// Whether the policy lets this be fetched. A denial is written down.
    fn allow(
        &self,
        client_id: &str,
        call: &Call,
        proxy: Option<&Proxy>,
    ) -> Result<(), IdentityError> {
        let host = call.peer.name();
        let source = IdentitySource::Issuer { host: &host };
        let usual = IdentityFacts::usual_audience(client_id);
        let facts = IdentityFacts::new(client_id, &usual, source);
        let judged = self
            .judge_facts(&facts)
            .and_then(|()| self.judge_trust(proxy));
        let denied = |denial: Denial| -> Result<IdentityError, IdentityError> {
            let decision = Decision::denied(RULE, denial.clone());
            let subject = of_probe(&decision, call);
            self.journal(client_id, proxy)?.decision(&subject, &[])?;
            self.observer.observe(&subject.event());
            Ok(IdentityError::Denied(denial))
        };
        match judged {
            Ok(()) => Ok(()),
            Err(denial) => Err(denied(denial)?),
        }
    }
}

fn of_probe<'a>(decision: &'a Decision, call: &'a Call) -> IdentityRequest<'a> {
    IdentityRequest {
        operation: PROBE,
        decision,
        source: None,
        audience: None,
        call: Some(call),
        token: None,
    }
}

/// The request for the document at this address. Nothing secret goes with it.
fn call(address: &str) -> Option<Call> {
    let uri = address.parse::<Uri>().ok()?;
    let authority = uri.authority()?;
    let is_plain = uri.scheme() == Some(&Scheme::HTTPS) && !authority.as_str().contains('@');
    let host = uri.host().filter(|host| is_plain && !host.is_empty())?;
    let host = host.to_ascii_lowercase();
    Some(Call {
        authority: authority.as_str().to_ascii_lowercase(),
        peer: Peer::Tls {
            host,
            port: uri.port_u16().unwrap_or(HTTPS_PORT),
        },
        method: Method::GET,
        path: uri.path().to_owned(),
        query: uri.query().map(|query| query.to_owned().into()),
        headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
        body: Bytes::new(),
        secrets: Vec::new(),
    })
}
