use std::error::Error;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
use rustls::AlertDescription;
use tokio::{sync::Mutex, time::timeout};
use zeroize::Zeroizing;

use super::{Connector, Failure, inbound::Inbound};

/// The one connection of a run: made when the first request wants it, kept for
/// the others. Requests go one after the other.
pub(crate) struct Connection {
    connector: Connector,
    sender: Mutex<Option<http1::SendRequest<Full<Bytes>>>>,
}

impl Connection {
    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector,
            sender: Mutex::new(None),
        }
    }

    /// Sends the request and takes the whole answer, of at most so many bytes. A
    /// request is sent again, on a new connection, only where the old one was closed
    /// before a byte of it was written.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<Inbound, Failure> {
        let mut kept = self.sender.lock().await;
        let mut sender = match kept.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.open().await?,
        };
        let limit = self.connector.limits().answer;
        let peer = self.connector.peer();
        let answer = timeout(limit, async {
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        sender = self.open().await?;
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
        let inbound = answer
            .await
            .map_err(|_| Failure::AnswerTimeout { limit })??;
        *kept = Some(sender);
        Ok(inbound)
    }

    /// Makes the connection where there is none, and keeps it.
    pub(crate) async fn reach(&self) -> Result<(), Failure> {
        let mut kept = self.sender.lock().await;
        if kept.as_ref().is_none_or(http1::SendRequest::is_closed) {
            *kept = Some(self.open().await?);
        }
        Ok(())
    }

    async fn open(&self) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
        let stream = self.connector.connect().await?;
        let (sender, driver) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_BUFFER_BYTES)
            .handshake(stream)
            .await
            .map_err(|error| broken(self.connector.peer(), &error))?;
        // It ends with the sender. What it has to say comes with the answer.
        tokio::spawn(driver);
        Ok(sender)
    }
}

/// What hyper reads ahead, headers included; bodies have limits of their own.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// The API sends about fifteen.
const MAX_HEADERS: usize = 64;

async fn whole(response: Response<Incoming>, most: usize) -> Result<Inbound, Failure> {
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
            detail: chain(&*error),
        }
    })?;
    Ok(Inbound {
        status: parts.status,
        headers: parts.headers,
        body: Zeroizing::new(body.to_bytes().into()),
    })
}

fn broken(peer: &str, error: &hyper::Error) -> Failure {
    // In TLS 1.3 the client is done with the handshake before the server is, so
    // that this refusal comes after the first bytes of the request.
    if refused_in_tls(error) {
        return Failure::Tls {
            peer: peer.to_owned(),
            certificate: false,
            detail: "it asks for a certificate of the client".to_owned(),
        };
    }
    Failure::Broken {
        detail: chain(error),
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
