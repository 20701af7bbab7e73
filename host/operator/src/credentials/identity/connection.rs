use std::{io, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tailmint::connection::{Connections, Proxy, Trust};
use tailmint_api::OutsideText;
use tailmint_core::Failure;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{call::Peer, received::Received};

/// These services are on the machine or beside it.
const CONNECT: Duration = Duration::from_secs(5);

/// A token has up to 16 KiB, with other members around it.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// These services send about ten.
const MAX_HEADERS: usize = 64;

/// Sends the request on a connection of its own, and takes the whole response. No redirect
/// is followed. What is on this machine or beside it is never asked through a proxy.
pub(super) async fn send(
    peer: &Peer,
    trust: &Trust,
    proxy: Option<&Proxy>,
    request: Request<Full<Bytes>>,
) -> Result<Received, Failure> {
    match peer {
        Peer::Tls { host, port } => {
            let connections =
                Connections::to_host(trust.clone(), host.clone(), *port, proxy.cloned());
            let response = connections.send(request, MAX_RESPONSE_BYTES).await?;
            Ok(response.into())
        }
        Peer::Local(address) => {
            let stream = connected(peer, TcpStream::connect(address)).await?;
            exchange(stream, request).await
        }
        Peer::Socket(path) => {
            let stream = connected(peer, UnixStream::connect(path)).await?;
            exchange(stream, request).await
        }
    }
}

async fn connected<S>(
    peer: &Peer,
    connecting: impl Future<Output = io::Result<S>>,
) -> Result<S, Failure> {
    match timeout(CONNECT, connecting).await {
        Ok(connected) => connected.map_err(|error| Failure::Connect {
            peer: peer.name(),
            detail: OutsideText::of(error),
        }),
        Err(_) => Err(Failure::ConnectTimeout {
            peer: peer.name(),
            step: "a connection",
            limit: CONNECT,
        }),
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Received, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, driver) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_RESPONSE_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // It ends with the sender. What it has to say comes with the response.
    tokio::spawn(driver);
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| broken(&error))?;
    let (parts, body) = response.into_parts();
    // None was asked for.
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::Encoded);
    }
    let body = Limited::new(body, MAX_RESPONSE_BYTES).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Failure::TooLong {
                most: MAX_RESPONSE_BYTES,
            };
        }
        Failure::Broken {
            detail: OutsideText::of(error),
        }
    })?;
    Ok(Received {
        status: parts.status,
        headers: parts.headers,
        body: Zeroizing::new(body.to_bytes().into()),
    })
}

fn broken(error: &hyper::Error) -> Failure {
    let detail = match std::error::Error::source(error) {
        Some(cause) => OutsideText::of(format_args!("{error}: {cause}")),
        None => OutsideText::of(error),
    };
    Failure::Broken { detail }
}
