//! The parts of a mint, one by one, for benchmarks.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context as Waker, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::{
    RootCertStore,
    client::{danger::ServerCertVerifier, verify_server_name},
    crypto::ring,
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tailmint_api::{API_HOST, KeyId, KeyProperties, Rule};
use tailmint_audit::{Actor, Audit, AuditError, AuditEvent, Context, Verdict};
use tailmint_core::Secret;
use tailmint_policy::{Intent, Task};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Sink, sink};
use tower_service::Service;
use zeroize::Zeroizing;

pub use crate::minter::wait_asked;

use crate::{
    Account, MintError, Minter, MinterBuilder,
    connection::{Failure, Proxy},
    egress::{ApiResponse, OwnOrSigned, Run, tls_failure},
    sandbox::{Linked, types},
    seal::Seals,
};

/// One call's way out, for logic that is not in the sandbox: the same policy, seals and
/// audit.
pub struct Unsandboxed {
    run: Arc<Run>,
    /// The id of the OAuth client, and what stands for its secret.
    pub client: (String, String),
}

impl Unsandboxed {
    /// Sends a request as one of the component's is sent.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, String> {
        let (parts, body) = request.into_parts();
        let passed = self.run.pass(&parts, &body).await;
        passed.map_err(|error| format!("{error:?}"))
    }
}

impl MinterBuilder {
    /// A minter that has this connection to the API, which is made already and
    /// needs no TLS.
    pub async fn build_over<S>(self, stream: S) -> Result<Minter, MintError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut minter = self.build()?;
        minter
            .connect_over(stream)
            .await
            .map_err(|error| MintError::internal(&error.to_string()))?;
        Ok(minter)
    }
}

impl Minter {
    /// A mint without the sandbox.
    pub fn unsandboxed(
        &self,
        account: &Account,
        properties: &KeyProperties,
    ) -> Result<Unsandboxed, MintError> {
        let task = Task::Mint {
            properties: properties.clone(),
        };
        let intent = Intent::new(account.tailnet.clone(), task);
        match self.run_own(account, &intent)? {
            (run, types::Credential::OauthClient(client)) => Ok(Unsandboxed {
                run,
                client: (client.id, client.secret),
            }),
            _ => Err(MintError::internal("it takes an OAuth client")),
        }
    }

    /// Makes an instance of the component, and drops it.
    pub async fn instantiate(&self, account: &Account) -> Result<(), MintError> {
        let intent = Intent::new(account.tailnet.clone(), Task::List);
        let (run, _) = self.run_own(account, &intent)?;
        let instance = self.sandbox().instance(run).await;
        instance
            .map(drop)
            .map_err(|fault| MintError::internal(&fault.to_string()))
    }
}

/// What the first start in a process takes: the engine, the component's code, what
/// the component is linked with. To be called before there is a minter.
pub fn start() -> Result<[Duration; 3], String> {
    Linked::in_steps().map_err(|error| format!("{error:#}"))
}

/// Loads the component, where no call has.
pub fn load() -> Result<(), String> {
    let loaded = Linked::built_in().map(drop);
    loaded.map_err(|error| format!("{error:#}"))
}

/// Seals a secret and opens it again.
pub fn seal(secret: Secret) -> Result<(), String> {
    let mut seals = Seals::default();
    let placeholder = seals.bearer(secret).map_err(|error| error.to_string())?;
    let opened = seals.open_bearer(placeholder.as_str());
    opened.map(|_| ()).map_err(|refusal| refusal.to_string())
}

/// Appends the decision about a request, which is waited for until it is on disk if
/// the request changes something.
pub fn append(audit: &dyn Audit, actor: &Actor, changes: bool) -> Result<(), AuditError> {
    let digest = "0".repeat(64);
    let context = Context {
        component: digest.clone(),
        policy: digest,
        ..Context::new(actor.clone())
    };
    let mut entry = context.entry("0123456789abcdef", AuditEvent::Decision, "mint");
    entry.decision = Verdict::Allow;
    entry.changes = changes;
    audit.append(&entry)
}

/// The seals of a run.
#[derive(Default)]
pub struct Sealing(Seals);

impl Sealing {
    /// Seals the secret of an OAuth client.
    pub fn client_secret(&mut self, secret: Secret) -> Result<String, getrandom::Error> {
        let placeholder = self.0.client_secret(secret)?;
        Ok(placeholder.as_str().to_owned())
    }

    /// Seals a secret that is sent as bearer.
    pub fn bearer(&mut self, secret: Secret) -> Result<String, getrandom::Error> {
        let placeholder = self.0.bearer(secret)?;
        Ok(placeholder.as_str().to_owned())
    }

    /// Whether this is sent as bearer in place of a secret.
    pub fn opens_bearer(&self, text: &str) -> bool {
        self.0.open_bearer(text).is_ok()
    }

    /// The text with all parts of the secrets replaced.
    pub fn redact(&self, text: &str) -> String {
        self.0.redact(text)
    }

    /// What the API gave out behind the placeholder: its id, and the secret.
    pub fn open_result(&self, text: &str) -> Option<(KeyId, Secret)> {
        self.0
            .open_result(text)
            .map(|issued| (issued.id, issued.key))
    }

    /// The response to a request of the rule as the component sees it.
    pub fn response(
        &mut self,
        rule: Rule,
        (status, headers, body): (StatusCode, HeaderMap, Vec<u8>),
    ) -> Result<Response<Bytes>, getrandom::Error> {
        response(status, headers, body).seal(rule, &mut self.0)
    }
}

/// A response as it came from a server.
pub fn response(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> ApiResponse {
    ApiResponse {
        status,
        headers,
        body: Zeroizing::new(body),
    }
}

/// What is told of a server's certificate where a file of authorities has that certificate
/// and no other, and what is told of its names alone.
pub fn certificate(der: &[u8], name: &'static str, now: UnixTime) -> Vec<Failure> {
    let name = ServerName::try_from(name).expect("a name");
    let certificate = CertificateDer::from(der).into_owned();
    let mut roots = RootCertStore::empty();
    let mut errors = Vec::new();
    if roots.add(certificate.clone()).is_ok() {
        let own = vec![certificate.clone()];
        let verifier = OwnOrSigned::new(roots, own, Arc::new(ring::default_provider()));
        let verified = verifier.verify_server_cert(&certificate, &[], &name, &[], now);
        errors.extend(verified.err());
    }
    let parsed = ParsedCertificate::try_from(&certificate);
    let named = parsed.and_then(|parsed| verify_server_name(&parsed, &name));
    errors.extend(named.err());
    let failures = errors.into_iter().map(io::Error::other);
    failures.map(|error| tls_failure("peer", &error)).collect()
}

/// Asks a proxy for a connection that responds with these bytes, so many at a time, and then
/// closes it.
pub async fn proxy_response(proxy: &Proxy, response: Vec<u8>, step: usize) -> Result<(), Failure> {
    let scripted = Scripted {
        response,
        step,
        written: sink(),
    };
    let connected = proxy
        .tunnel((API_HOST, 443), scripted, Duration::from_secs(1))
        .await;
    connected.map(drop)
}

/// Takes whatever is written, and has a response to read.
#[derive(Debug)]
struct Scripted {
    response: Vec<u8>,
    step: usize,
    written: Sink,
}

impl Service<Uri> for Scripted {
    type Response = TokioIo<Self>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Ok(TokioIo::new(Self {
            response: std::mem::take(&mut self.response),
            step: self.step,
            written: sink(),
        })))
    }
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Waker<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.step.min(buffer.remaining()).min(self.response.len());
        buffer.put_slice(&self.response[..most]);
        self.response.drain(..most);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
        text: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.written).poll_write(waker, text)
    }

    fn poll_flush(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.written).poll_flush(waker)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.written).poll_shutdown(waker)
    }
}
