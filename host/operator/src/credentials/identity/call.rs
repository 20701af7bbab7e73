use std::{net::SocketAddr, path::PathBuf};

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use tailmint_api::USER_AGENT;
use tailmint_core::{Environment, Secret};
use zeroize::Zeroizing;

use super::{AddressProblem, IdentityError};

/// A request to the service of a platform.
pub(super) struct Call {
    pub(super) peer: Peer,
    pub(super) method: Method,
    /// What the service expects as its own name.
    pub(super) authority: String,
    pub(super) path: String,
    /// It may be a secret, and is not written down.
    pub(super) query: Option<Zeroizing<String>>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// The secrets that the headers carry.
    pub(super) secrets: Vec<(&'static str, Secret)>,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Behind TLS, by its name.
    Tls { host: String, port: u16 },
    /// On this machine or on its link, by its address.
    Local(SocketAddr),
    /// At a socket of this machine.
    Socket(PathBuf),
}

impl Peer {
    /// As errors and audit logs name it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tls { host, .. } => host.clone(),
            Self::Local(address) if address.port() == HTTP_PORT => address.ip().to_string(),
            Self::Local(address) => address.to_string(),
            Self::Socket(path) => path.display().to_string(),
        }
    }
}

/// The port of plain HTTP.
pub(super) const HTTP_PORT: u16 = 80;

impl Call {
    /// The request as it is sent.
    pub(super) fn request(&self) -> Result<Request<Full<Bytes>>, IdentityError> {
        let target = Zeroizing::new(match &self.query {
            Some(query) => format!("{}?{}", self.path, **query),
            None => self.path.clone(),
        });
        let mut request = Request::builder()
            .method(&self.method)
            .uri(target.as_str())
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, USER_AGENT);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.body.is_empty() {
            request = request.header(header::CONTENT_LENGTH, self.body.len());
        }
        let request = request.body(Full::new(self.body.clone()));
        request.map_err(|_| IdentityError::Internal("the request could not be written"))
    }
}

/// A secret of the environment, and the value of the header that carries it: these words
/// and the secret.
pub(super) fn secret_header(
    environment: &Environment,
    name: &'static str,
    words: &str,
) -> Result<Option<(Secret, HeaderValue)>, IdentityError> {
    let Some(value) = environment.get(name) else {
        return Ok(None);
    };
    let problem = |problem| IdentityError::Address { name, problem };
    let unsendable = || problem(AddressProblem::Unsendable);
    let secret = value.to_str().ok_or_else(unsendable)?;
    let secret = Secret::new(secret.trim().to_owned());
    let text = Zeroizing::new(format!("{words}{}", secret.expose_secret()));
    let mut header = HeaderValue::from_str(&text).map_err(|_| unsendable())?;
    header.set_sensitive(true);
    Ok(Some((secret, header)))
}

/// The text as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
