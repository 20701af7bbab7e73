//! Servers in the position of a platform's, and tokens, for the tests beside this.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tailmint::connection::Trust;
use tailmint_audit::{Audit, AuditError, Entry};
use tailmint_core::Secret;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// A token with this payload.
pub(super) fn token_of(payload: &Value) -> String {
    let header = json!({ "alg": "RS256", "kid": "key-1", "typ": "JWT" });
    let parts = [header, payload.clone()].map(|it| BASE64_URL_SAFE_NO_PAD.encode(it.to_string()));
    let signature = BASE64_URL_SAFE_NO_PAD.encode("the signature of nobody");
    format!("{}.{}.{signature}", parts[0], parts[1])
}

/// A token as a platform issues it.
pub(super) fn token() -> String {
    token_of(&json!({
        "iss": "https://issuer.example.com",
        "sub": "repo:example/app:ref:refs/heads/main",
        "aud": "api.tailscale.com/T1CNTRL-k1CNTRL",
        "iat": 1_700_000_000,
        "exp": 1_700_000_300,
    }))
}

/// What a server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Responds with this status line, these headers and this body.
    With(&'static str, Vec<&'static str>, String),
    /// Closes the connection.
    Close,
    /// Never responds.
    Silence,
}

impl Reply {
    pub(super) fn ok(body: impl Into<String>) -> Self {
        Self::With("200 OK", Vec::new(), body.into())
    }

    pub(super) fn status(status: &'static str, body: impl Into<String>) -> Self {
        Self::With(status, Vec::new(), body.into())
    }

    pub(super) fn redirect() -> Self {
        Self::With(
            "302 Found",
            vec!["location: http://evil.example/"],
            String::new(),
        )
    }

    /// The same with a header.
    pub(super) fn and(mut self, header: &'static str) -> Self {
        if let Self::With(_, headers, _) = &mut self {
            headers.push(header);
        }
        self
    }
}

/// A server that takes one request on each connection, and replies in this order; the last
/// reply is for all that follow.
pub(super) struct Fake {
    requests: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fake {
    /// What came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// One at an address of loopback.
    pub(super) async fn tcp(replies: Vec<Reply>) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            let mut replies = replies.into_iter();
            let mut reply = Reply::Close;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                reply = replies.next().unwrap_or(reply);
                tokio::spawn(serve(stream, reply.clone(), Arc::clone(&seen)));
            }
        });
        (Self { requests, server }, port)
    }

    /// One at a socket.
    pub(super) fn unix(path: &Path, reply: Reply) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, reply.clone(), Arc::clone(&seen)));
            }
        });
        Self { requests, server }
    }

    /// One behind TLS, with a certificate for this name.
    pub(super) fn tls(name: &str, replies: Vec<Reply>) -> (Self, u16, Trust) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self::tls_on(listener, name, replies)
    }

    /// The same where it has to be known before where that is.
    pub(super) fn tls_on(
        listener: std::net::TcpListener,
        name: &str,
        replies: Vec<Reply>,
    ) -> (Self, u16, Trust) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let trust = Trust::pem(made.cert.pem().as_bytes(), PathBuf::from("ca.pem")).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            let mut replies = replies.into_iter();
            let mut reply = Reply::Close;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                reply = replies.next().unwrap_or(reply);
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(serve(stream, reply.clone(), Arc::clone(&seen)));
                }
            }
        });
        (Self { requests, server }, port, trust)
    }
}

impl Fake {
    /// A proxy that connects to the port of loopback, whatever host is wanted.
    pub(super) async fn proxy(to: u16) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await.unwrap());
                    }
                    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                    let ok = b"HTTP/1.1 200 OK\r\n\r\n";
                    stream.write_all(ok).await.unwrap();
                    let mut there = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    copy_bidirectional(&mut stream, &mut there).await.ok();
                });
            }
        });
        (Self { requests, server }, url)
    }
}

async fn serve<S>(mut stream: S, reply: Reply, seen: Arc<Mutex<Vec<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                (name == "content-length").then(|| value.parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or_default() {
                break;
            }
        }
    }
    let request = String::from_utf8(request).unwrap();
    seen.lock().unwrap().push(request.replace('\r', ""));
    match reply {
        Reply::Close => {}
        Reply::Silence => tokio::time::sleep(Duration::from_mins(1)).await,
        Reply::With(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
            for header in headers {
                head += &format!("{header}\r\n");
            }
            let response = format!("{head}\r\n{body}");
            // Whoever has read enough may close it.
            stream.write_all(response.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
    }
}

/// An audit log in memory.
#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Mutex<Vec<Value>>,
    /// Whether nothing can be written.
    pub(super) is_full: bool,
}

impl Audit for Log {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        if self.is_full {
            return Err(AuditError::new("audit.jsonl", "there is no room"));
        }
        let line = serde_json::to_value(entry).unwrap();
        self.lines.lock().unwrap().push(line);
        Ok(())
    }

    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        Some(format!("of {} bytes", secret.len()))
    }
}
