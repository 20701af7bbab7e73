//! A small HTTP server on a thread of its own, for what stands beside the API.

use std::{
    io,
    net::TcpListener,
    os::unix::net::UnixListener,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::HeaderName};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;

use crate::{Answer, Recorded};

/// What its clients send is far smaller.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Between two looks whether what is held goes on.
const HOLD: Duration = Duration::from_millis(5);

/// A running server. Dropping it closes its connections and ends its thread.
pub(crate) struct SideServer {
    recorded: Arc<Mutex<Vec<Recorded>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Where it listens.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What a connection meets.
pub(crate) enum Door {
    /// It is closed as soon as it is accepted.
    Closed,
    Plain,
    Tls(Arc<ServerConfig>),
}

/// What it responds.
pub(crate) enum Reply {
    /// It closes the connection.
    Hangup,
    /// What this gives, when it gives something.
    Held(Box<dyn Fn() -> Option<Reply> + Send + Sync>),
    /// The same, later.
    Late(Duration, Box<Reply>),
    /// Nothing, for as long as the client waits.
    Silence,
    Whole {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
}

impl Reply {
    /// One with a body of this type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// The same with another header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// What connections meet, and what is responded to requests.
pub(crate) struct Behaviour {
    pub(crate) door: Box<dyn Fn() -> Door + Send + Sync>,
    pub(crate) reply: Box<dyn Fn(&Recorded) -> Reply + Send + Sync>,
}

impl SideServer {
    /// Starts one.
    ///
    /// # Errors
    /// No thread or no runtime is to be had.
    pub(crate) fn start(listener: Listener, behaviour: Behaviour) -> io::Result<Self> {
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            behaviour,
            recorded: Arc::clone(&recorded),
        });
        match &listener {
            Listener::Tcp(listener) => listener.set_nonblocking(true)?,
            Listener::Unix(listener) => listener.set_nonblocking(true)?,
        }
        let thread = std::thread::Builder::new()
            .name("simulator, beside".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = accept(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        Ok(Self {
            recorded,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The requests that arrived, in their order.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        lock(&self.recorded).clone()
    }
}

impl Drop for SideServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Shared {
    behaviour: Behaviour,
    recorded: Arc<Mutex<Vec<Recorded>>>,
}

/// Locks it, whatever happened to a thread that had it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: Listener, shared: Arc<Shared>) -> io::Result<()> {
    let mut connections = 0;
    match listener {
        Listener::Tcp(listener) => {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true).ok();
                connections += 1;
                tokio::spawn(connection(stream, connections, Arc::clone(&shared)));
            }
        }
        Listener::Unix(listener) => {
            let listener = tokio::net::UnixListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                connections += 1;
                tokio::spawn(connection(stream, connections, Arc::clone(&shared)));
            }
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    number: usize,
    shared: Arc<Shared>,
) {
    match (shared.behaviour.door)() {
        Door::Closed => {}
        Door::Plain => serve(stream, number, shared).await,
        Door::Tls(config) => {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                serve(stream, number, shared).await;
            }
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    number: usize,
    shared: Arc<Shared>,
) {
    let service = service_fn(|request| respond(request, number, Arc::clone(&shared)));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn respond(
    request: Request<Incoming>,
    connection: usize,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    let recorded = Recorded::new(&parts, &body, connection);
    let index = {
        let mut all = lock(&shared.recorded);
        all.push(recorded.clone());
        all.len() - 1
    };
    let mut reply = (shared.behaviour.reply)(&recorded);
    loop {
        match reply {
            Reply::Hangup => return Err(io::ErrorKind::ConnectionAborted.into()),
            Reply::Held(released) => {
                reply = loop {
                    match released() {
                        Some(reply) => break reply,
                        None => tokio::time::sleep(HOLD).await,
                    }
                };
            }
            Reply::Late(by, then) => {
                tokio::time::sleep(by).await;
                reply = *then;
            }
            Reply::Silence => return std::future::pending().await,
            Reply::Whole {
                status,
                headers,
                body,
            } => {
                lock(&shared.recorded)[index].answer = Some(Answer {
                    status,
                    body: String::from_utf8_lossy(&body).into_owned(),
                });
                let mut response = Response::new(Full::new(Bytes::from(body)));
                *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
                for (name, value) in headers {
                    let name: HeaderName = name.parse().map_err(io::Error::other)?;
                    let value: HeaderValue = value.parse().map_err(io::Error::other)?;
                    response.headers_mut().append(name, value);
                }
                return Ok(response);
            }
        }
    }
}
