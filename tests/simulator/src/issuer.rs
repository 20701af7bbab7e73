use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
};

use http::Uri;
use serde_json::{Value, json};

use crate::{
    Recorded, Simulator,
    keys::host_and_port,
    side_server::{Behaviour, Door, Listener, Reply, SideServer, lock},
    simulator::Shared,
};

mod algorithm;
mod fault;
mod forgery;
mod signers;

pub use algorithm::Algorithm;
pub use fault::{Document, IssuerFault};
pub use forgery::Forgery;

use signers::Signers;

/// How long a good token lives: as long as GitHub's.
const LIFETIME_SECONDS: i64 = 300;

/// A good token is valid from before it is issued, as GitHub's is.
const BEFORE_SECONDS: i64 = 600;

/// An issuer of identity tokens: `OpenID` Connect discovery and keys over TLS on loopback, and
/// whatever tokens a test wants, good and bad.
///
/// The simulated API reaches it by its URL as long as it lives, whatever host that names;
/// nobody else does. A clone is the same issuer; when the last is dropped, its server ends.
#[derive(Clone)]
pub struct Issuer(Arc<Running>);

struct Running {
    url: String,
    address: SocketAddr,
    shared: Shared,
    state: Arc<Mutex<State>>,
    server: SideServer,
}

struct State {
    signers: Signers,
    faults: Vec<(Document, IssuerFault)>,
}

impl Issuer {
    /// Starts `https://issuer.example.com`.
    ///
    /// # Errors
    /// No address can be listened on.
    pub fn start(simulator: &Simulator) -> io::Result<Self> {
        Self::start_as(simulator, "https://issuer.example.com")
    }

    /// Starts the issuer of this URL, such as
    /// `https://token.actions.githubusercontent.com`: its host may be any, its path too.
    ///
    /// # Errors
    /// It is no such URL, or no address can be listened on.
    pub fn start_as(simulator: &Simulator, url: &str) -> io::Result<Self> {
        let parsed: Uri = url.parse().map_err(io::Error::other)?;
        let host = parsed
            .host()
            .filter(|_| parsed.scheme_str() == Some("https"))
            .ok_or(io::ErrorKind::InvalidInput)?;
        let other = |error: Box<dyn std::error::Error>| io::Error::other(error.to_string());
        let authority = simulator.authority();
        let tls = authority.server(&[host]).map_err(other)?;
        let wrong = authority.server(&["wrong.example.com"]).map_err(other)?;
        let state = Arc::new(Mutex::new(State {
            signers: Signers::new(1),
            faults: Vec::new(),
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let at_door = Arc::clone(&state);
        let inside = Arc::clone(&state);
        let own_url = url.to_owned();
        let behaviour = Behaviour {
            door: Box::new(move || {
                let has = |fault| lock(&at_door).faults.iter().any(|(_, it)| *it == fault);
                if has(IssuerFault::Down) {
                    Door::Closed
                } else if has(IssuerFault::WrongCertificate) {
                    Door::Tls(Arc::clone(&wrong))
                } else {
                    Door::Tls(Arc::clone(&tls))
                }
            }),
            reply: Box::new(move |request| State::respond(&inside, &own_url, request)),
        };
        let server = SideServer::start(Listener::Tcp(listener), behaviour)?;
        let shared = simulator.shared().clone();
        let hosts = &mut shared.lock().hosts;
        hosts.insert(host_and_port(&parsed), address);
        Ok(Self(Arc::new(Running {
            url: url.to_owned(),
            address,
            shared: simulator.shared().clone(),
            state,
            server,
        })))
    }

    /// Its URL: the claim `iss`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Where its server listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The requests that it received, in their order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.0.server.requests()
    }

    /// Misbehaves from now on, until it is forgiven. The simulated API keeps keys that it has
    /// fetched for an hour of its clock.
    pub fn misbehave(&self, document: Document, fault: IssuerFault) {
        lock(&self.0.state).faults.push((document, fault));
    }

    /// Misbehaves no more.
    pub fn forgive(&self) {
        lock(&self.0.state).faults.clear();
    }

    /// Has other keys with other names from now on, and those of before no more.
    pub fn rotate(&self) {
        let signers = &mut lock(&self.0.state).signers;
        *signers = Signers::new(signers.generation() + 1);
    }

    /// The claims of a good token, for a test to change: `iss`, `sub`, `aud` (text, or a list),
    /// `iat`, `nbf` before that, `exp` 300 seconds after it, `jti`. The times are of the
    /// simulated API's clock.
    pub fn claims(&self, audience: impl Into<Value>, subject: &str) -> Value {
        let now = self.0.shared.lock().clock.now().as_second();
        json!({
            "iss": self.url(),
            "sub": subject,
            "aud": audience.into(),
            "iat": now,
            "nbf": now - BEFORE_SECONDS,
            "exp": now + LIFETIME_SECONDS,
            "jti": crate::dialect::random(20),
        })
    }

    /// A good token.
    pub fn token(&self, audience: impl Into<Value>, subject: &str) -> String {
        self.sign(&self.claims(audience, subject))
    }

    /// A token that expired a second ago.
    pub fn expired(&self, audience: impl Into<Value>, subject: &str) -> String {
        let mut claims = self.claims(audience, subject);
        claims["exp"] = (claims["iat"].as_i64().unwrap_or_default() - 1).into();
        self.sign(&claims)
    }

    /// A token that is valid in a minute, and not before.
    pub fn not_yet_valid(&self, audience: impl Into<Value>, subject: &str) -> String {
        let mut claims = self.claims(audience, subject);
        claims["nbf"] = (claims["iat"].as_i64().unwrap_or_default() + 60).into();
        self.sign(&claims)
    }

    /// A token with these claims, by RS256.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(Algorithm::Rs256, claims)
    }

    /// A token with these claims, by this algorithm.
    pub fn sign_with(&self, algorithm: Algorithm, claims: &Value) -> String {
        let signers = &lock(&self.0.state).signers;
        let header = signers.header(algorithm);
        self.kept(signers.sign(algorithm, &header.to_string(), &claims.to_string()))
    }

    /// A token with this header and these claims as they are, signed by this algorithm.
    pub fn sign_text(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let signers = &lock(&self.0.state).signers;
        self.kept(signers.sign(algorithm, header, claims))
    }

    /// A token that nobody may accept, with these claims.
    pub fn forge(&self, forgery: Forgery, claims: &Value) -> String {
        let signers = &lock(&self.0.state).signers;
        self.kept(forgery.forge(signers, &claims.to_string()))
    }

    /// Gives tokens to a source of them: good ones for this subject.
    pub fn mint(&self, subject: &str) -> impl Fn(&str) -> String + Send + Sync + 'static {
        let (issuer, subject) = (self.clone(), subject.to_owned());
        move |audience| issuer.token(audience, &subject)
    }

    /// Remembers the token, for tests that search for it.
    fn kept(&self, token: String) -> String {
        let tokens = &mut self.0.shared.lock().identity_tokens;
        tokens.push(token.clone());
        token
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuer").field(&self.0.url).finish()
    }
}

impl State {
    /// What is responded to a request, at once or when the issuer is forgiven.
    fn respond(state: &Arc<Mutex<Self>>, url: &str, request: &Recorded) -> Reply {
        let is_held = |state: &Self| {
            let mut faults = state.faults.iter();
            faults.any(|(_, fault)| *fault == IssuerFault::Hold)
        };
        let now = lock(state);
        if !is_held(&now) {
            return now.reply(url, request);
        }
        let (state, url, request) = (Arc::clone(state), url.to_owned(), request.clone());
        Reply::Held(Box::new(move || {
            let now = lock(&state);
            (!is_held(&now)).then(|| now.reply(&url, &request))
        }))
    }

    fn reply(&self, url: &str, request: &Recorded) -> Reply {
        let base: Uri = url.parse().unwrap_or_default();
        let base = base.path().trim_end_matches('/');
        let rest = request.path.strip_prefix(base).unwrap_or_default();
        let (document, good) = match (request.method.as_str(), rest) {
            ("GET", "/.well-known/openid-configuration") => (Document::Discovery, discovery(url)),
            ("GET", "/jwks") => (Document::Keys, self.signers.key_set()),
            _ => return Reply::new(404, "text/plain", "not found"),
        };
        let fault = self
            .faults
            .iter()
            .find_map(|(of, fault)| (*of == document || *of == Document::Both).then_some(fault));
        match fault {
            None => Reply::new(200, "application/json", good.to_string()),
            Some(fault) => fault.reply(document, url, good),
        }
    }
}

/// `OpenID` Connect Discovery 1.0, 3: the members that are required, but for the two of the
/// endpoints, which an issuer for machines has not.
fn discovery(url: &str) -> Value {
    json!({
        "issuer": url,
        "jwks_uri": format!("{}/jwks", url.trim_end_matches('/')),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
    })
}
