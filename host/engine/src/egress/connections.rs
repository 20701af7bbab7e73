use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
use jiff::{Timestamp, fmt::rfc2822};
use rustls::AlertDescription;
use tailmint_api::OutsideText;
use tailmint_core::Failure;
use tokio::{
    sync::Semaphore,
    task::{JoinSet, yield_now},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{ApiResponse, Connector, Proxy, Trust};

/// The connections to one host: made when a request wants one, kept for the next.
/// On each, requests go one after the other; requests that come at the same time
/// go on connections of their own.
pub struct Connections {
    connector: Arc<Connector>,
    state: Mutex<State>,
    room: Semaphore,
}

#[derive(Default)]
struct State {
    /// Those that no request is on. The one that was used last is used first.
    idle: Vec<Sender>,
    /// One that is made ahead of the request that will want it. Ends when it is
    /// dropped.
    ahead: Option<JoinSet<Result<Sender, Failure>>>,
    /// How many seconds the other side's clock was ahead of ours at the last response.
    clock_ahead: Option<i64>,
}

type Sender = http1::SendRequest<Full<Bytes>>;

/// Requests beyond that wait for each other: the API responds within milliseconds, and
/// one process needs no hundred connections to it. One that is begun ahead comes on
/// top.
const MAX_CONNECTIONS: usize = 16;

/// One to ask for the connection, one to say hello if it was made at once, as on
/// loopback or by a proxy on this machine: the other side then works on its response
/// while this thread is busy.
const FIRST_STEPS: usize = 2;

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.connector.peer();
        f.debug_struct("Connections")
            .field("peer", &peer)
            .finish_non_exhaustive()
    }
}

impl Connections {
    /// Connections to a host that the policy names, wherever it is, through the proxy if
    /// there is one: for requests of the host program itself. The component cannot use them.
    pub fn to_host(trust: Trust, host: String, port: u16, proxy: Option<Proxy>) -> Self {
        Self::new(Connector::to_host(trust, host, port, proxy))
    }

    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector: Arc::new(connector),
            state: Mutex::default(),
            room: Semaphore::new(MAX_CONNECTIONS),
        }
    }

    /// One that exists already.
    #[cfg(feature = "__internals")]
    pub(crate) async fn over<S>(connector: &Connector, stream: S) -> Result<Self, hyper::Error>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, driver) = http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        let connections = Self::new(connector.clone());
        connections.state().idle.push(sender);
        Ok(connections)
    }

    #[cfg(feature = "__internals")]
    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Sends the request and takes the whole response, of at most `most` bytes. A request
    /// is sent again, on a new connection, only where the old one was closed before a
    /// byte of it was written.
    ///
    /// # Errors
    /// No whole response came.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<ApiResponse, Failure> {
        let _permit = self.room.acquire().await;
        let mut sender = self.take().await?;
        let limit = self.connector.limits().response;
        let peer = self.connector.peer();
        let response = timeout(limit, async {
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        sender = open(&self.connector).await?;
                        sender
                            .send_request(unsent)
                            .await
                            .map_err(|error| broken(peer, &error))?
                    }
                    None => return Err(broken(peer, &error.into_error())),
                },
            };
            whole(response, most).await
        });
        let response = response
            .await
            .map_err(|_| Failure::ResponseTimeout { limit })??;
        let clock_ahead = clock_ahead(&response.headers, Timestamp::now());
        let mut state = self.state();
        state.idle.push(sender);
        state.clock_ahead = clock_ahead.or(state.clock_ahead);
        drop(state);
        Ok(response)
    }

    /// How many seconds the other side's clock was ahead of this machine's when its last
    /// response came; less than zero where it was behind. `None` before the first, and where
    /// no response says the time.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        self.state().clock_ahead
    }

    /// Makes a connection where there is none, and keeps it.
    pub(crate) async fn reach(&self) -> Result<(), Failure> {
        let sender = self.take().await?;
        self.state().idle.push(sender);
        Ok(())
    }

    /// Begins to make a connection where there is none, for the request that will
    /// come: it is made while this task waits or the API works, and whether it can
    /// be made is told to that request.
    pub(crate) async fn begin(&self) {
        {
            let mut state = self.state();
            // No request used this one: its outcome is stale by now.
            match state.ahead.as_mut().map(JoinSet::try_join_next) {
                Some(None) => return,
                Some(Some(Ok(Ok(sender)))) => state.idle.push(sender),
                _ => {}
            }
            state.ahead = None;
            state.idle.retain(|sender| !sender.is_closed());
            if !state.idle.is_empty() {
                return;
            }
            let connector = Arc::clone(&self.connector);
            let mut ahead = JoinSet::new();
            ahead.spawn(async move { open(&connector).await });
            state.ahead = Some(ahead);
        }
        for _ in 0..FIRST_STEPS {
            yield_now().await;
        }
    }

    /// A connection that no request is on: kept, begun, or new.
    async fn take(&self) -> Result<Sender, Failure> {
        let ahead = {
            let mut state = self.state();
            while let Some(sender) = state.idle.pop() {
                if !sender.is_closed() {
                    return Ok(sender);
                }
            }
            state.ahead.take()
        };
        if let Some(mut ahead) = ahead
            && let Some(Ok(opened)) = ahead.join_next().await
        {
            return opened;
        }
        open(&self.connector).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(connector: &Connector) -> Result<Sender, Failure> {
    let stream = connector.connect().await?;
    let (sender, driver) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES)
        .handshake(stream)
        .await
        .map_err(|error| broken(connector.peer(), &error))?;
    // It ends with the sender. What it has to say comes with the response.
    tokio::spawn(driver);
    Ok(sender)
}

/// How many seconds the clock that wrote these headers was ahead of this time. `Date` is
/// exact to the second (RFC 9110, section 6.6.1).
fn clock_ahead(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let date = rfc2822::parse(date).ok()?;
    Some(date.timestamp().as_second() - now.as_second())
}

/// What hyper reads ahead, headers included; bodies have limits of their own.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// The API sends about fifteen.
const MAX_HEADERS: usize = 64;

async fn whole(response: Response<Incoming>, most: usize) -> Result<ApiResponse, Failure> {
    let (parts, body) = response.into_parts();
    // None was asked for, and nothing could be sealed in it.
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::Encoded);
    }
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Failure::TooLong { most };
        }
        Failure::Broken {
            detail: OutsideText::of(chain(&*error)),
        }
    })?;
    Ok(ApiResponse {
        status: parts.status,
        headers: parts.headers,
        body: Zeroizing::new(body.to_bytes().into()),
    })
}

fn broken(peer: &str, error: &hyper::Error) -> Failure {
    // In TLS 1.3 the client is done with the handshake before the server is, so
    // that this alert comes after the first bytes of the request.
    if refused_in_tls(error) {
        return Failure::Tls {
            peer: peer.to_owned(),
            certificate: None,
            detail: OutsideText::new("it asks for a certificate of the client"),
        };
    }
    Failure::Broken {
        detail: OutsideText::of(chain(error)),
    }
}

fn refused_in_tls(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let inner = cause.and_then(std::io::Error::get_ref);
    matches!(
        inner.and_then(|inner| inner.downcast_ref()),
        Some(rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
        ))
    )
}

/// An error with its causes, as one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof) {
            return "the other side closed it".to_owned();
        }
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use http::HeaderValue;

    use super::*;
    use crate::connection::Limits;

    #[test]
    fn the_clock_of_the_other_side_is_read_from_its_date() {
        let now: Timestamp = "2026-03-01T12:00:00.9Z".parse().unwrap();
        for (date, ahead) in [
            ("Sun, 01 Mar 2026 12:00:00 GMT", Some(0)),
            ("Sun, 01 Mar 2026 12:02:05 GMT", Some(125)),
            ("Sat, 28 Feb 2026 12:00:00 GMT", Some(-86_400)),
            ("Sun, 01 Mar 2026 12:00:00", None),
            ("2026-03-01T12:00:00Z", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
            assert_eq!(clock_ahead(&headers, now), ahead, "{date}");
        }
        assert_eq!(clock_ahead(&HeaderMap::new(), now), None);
    }

    #[tokio::test]
    async fn what_became_of_one_that_no_request_came_for_is_no_answer_later() {
        // Nobody else listens on this address, so that it stays closed.
        let address = {
            let listener = TcpListener::bind("127.77.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let to = address.to_string().parse().unwrap();
        let connector = Connector::new(Trust::bundled(), Some(to), None, Limits::default());
        let connections = Connections::new(connector);
        connections.begin().await;
        let listener = TcpListener::bind(address).await.unwrap();
        // Once the first has failed, another is made.
        let asked = async {
            loop {
                connections.begin().await;
                let soon = Duration::from_millis(20);
                if timeout(soon, listener.accept()).await.is_ok() {
                    break;
                }
            }
        };
        let asked = timeout(Duration::from_secs(10), asked).await;
        assert!(asked.is_ok(), "it was not tried again");
    }
}
