//! The API's listener: TLS, HTTP/1.1, faults, and the way to the endpoints.

mod faulty;

use std::{convert::Infallible, io, net::TcpListener, sync::Arc, time::Duration};

use bytes::Bytes;
use faulty::{Faulty, Interruption};
use http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Channel, Either, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::ServerConfig;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Answer, Ending, Endpoint, Fault, Greeting, Recorded,
    clock::http_date,
    exchange, fault, keys,
    refusal::Refusal,
    simulator::Shared,
    state::{State, Token},
    token,
};

/// No client of the API sends more.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Between two looks whether what is held goes on.
const HOLD: Duration = Duration::from_millis(5);

type Body = Either<Full<Bytes>, Channel<Bytes, Infallible>>;

pub(crate) async fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    state: Shared,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let acceptor = TlsAcceptor::from(config);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, acceptor.clone(), state.clone()));
    }
}

/// Takes what the client says first.
async fn hello(stream: &mut TcpStream) {
    let mut taken = [0; 1024];
    let taken = stream.read(&mut taken).await;
    // However much it is: what comes next does not depend on it.
    taken.ok();
}

/// The `ServerHello` of TLS 1.1 (RFC 4346, 7.4.1.3): the version, a random value
/// that is none, no session, `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA`, and no
/// compression. The TLS library speaks nothing that old.
const OLD_HELLO: [u8; 47] = {
    let mut hello = [7; 47];
    let head = [22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    let tail = [0, 0xc0, 0x13, 0];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        hello[43 + at] = tail[at];
        at += 1;
    }
    hello
};

async fn connection(mut stream: TcpStream, acceptor: TlsAcceptor, state: Shared) {
    stream.set_nodelay(true).ok();
    let (number, greeting) = state.lock().greet();
    match greeting {
        Greeting::Close => return,
        Greeting::CloseInHandshake => {
            hello(&mut stream).await;
            return;
        }
        Greeting::OldTls => {
            hello(&mut stream).await;
            stream.write_all(&OLD_HELLO).await.ok();
            return std::future::pending().await;
        }
        Greeting::Silence => return std::future::pending().await,
        Greeting::Handshake => {}
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    state.lock().handshakes += 1;
    let interruption = Interruption::default();
    let stream = TokioIo::new(Faulty::new(stream, interruption.clone()));
    let service = service_fn(|request| {
        let state = state.clone();
        let interruption = interruption.clone();
        async move { answer(request, number, &state, &interruption).await }
    });
    http1::Builder::new()
        .keep_alive(true)
        .serve_connection(stream, service)
        .await
        .ok();
}

/// What ends the connection without an answer.
#[derive(Debug)]
struct Hangup;

impl std::fmt::Display for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("told to hang up")
    }
}

impl std::error::Error for Hangup {}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    state: &Shared,
    interruption: &Interruption,
) -> Result<Response<Body>, Hangup> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES)
        .collect()
        .await
        .map_err(|_| Hangup)?
        .to_bytes();
    let (index, planned) = record(state, &parts, &body, connection);
    let usual = || usual(state, &parts, &body);
    let recorded = |status: StatusCode, body: &[u8]| {
        let answer = Answer {
            status: status.as_u16(),
            body: String::from_utf8_lossy(body).into_owned(),
        };
        if let Some(entry) = state.lock().recorded.get_mut(index) {
            entry.answer = Some(answer);
        }
    };
    let whole = |status: StatusCode, body: Vec<u8>| {
        recorded(status, &body);
        json(status, body, state.lock().clock.now())
    };
    match planned {
        None | Some(Fault::Delay(_) | Fault::Hold) => {
            wait(planned.as_ref(), state).await;
            let (status, body) = usual().await;
            Ok(whole(status, body))
        }
        Some(Fault::Answer {
            status,
            headers,
            body,
        }) => {
            let status = StatusCode::from_u16(status).map_err(|_| Hangup)?;
            let mut response = whole(status, body.into_bytes());
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (
                    name.parse::<header::HeaderName>(),
                    value.parse::<HeaderValue>(),
                ) {
                    if name == header::CONTENT_TYPE || name == header::DATE {
                        response.headers_mut().insert(name, value);
                    } else {
                        response.headers_mut().append(name, value);
                    }
                }
            }
            Ok(response)
        }
        Some(Fault::Cut) => Err(Hangup),
        Some(Fault::LoseAnswer) => {
            usual().await;
            Err(Hangup)
        }
        Some(Fault::Silence) => std::future::pending().await,
        // Zeros cost nothing before they are sent, and are not worth recording.
        Some(Fault::Oversized(bytes)) => Ok(Response::new(Either::Left(Full::new(
            vec![0; bytes].into(),
        )))),
        Some(Fault::Wire {
            bytes,
            ending,
            acts,
        }) => {
            if acts {
                usual().await;
            }
            interruption.write_instead(bytes, ending);
            Ok(whole(StatusCode::OK, Vec::new()))
        }
        Some(Fault::Widen) => {
            let (status, body) = self::usual(state, &parts, &widened(&body)).await;
            Ok(whole(status, body))
        }
        Some(Fault::Close) => {
            let (status, body) = usual().await;
            let mut response = whole(status, body);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            Ok(response)
        }
        Some(Fault::Truncate) => {
            let (status, body) = usual().await;
            recorded(status, &body);
            interruption.write_instead(truncated(status, &body), Ending::Close);
            Ok(whole(status, Vec::new()))
        }
        Some(Fault::Drip(pause)) => {
            let (status, body) = usual().await;
            recorded(status, &body);
            Ok(drip(status, body, pause))
        }
    }
}

/// A response of the API, by its own clock.
fn json(status: StatusCode, body: Vec<u8>, now: Timestamp) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    if let Ok(date) = HeaderValue::from_str(&http_date(now)) {
        headers.insert(header::DATE, date);
    }
    response
}

/// The request for a key of another kind, where it is one for a key.
fn widened(body: &[u8]) -> Vec<u8> {
    let mut asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(create) = asked.pointer_mut("/capabilities/devices/create") else {
        return body.to_owned();
    };
    create["reusable"] = (create["reusable"] != true).into();
    create["ephemeral"] = false.into();
    asked.to_string().into_bytes()
}

/// Waits as the fault says.
async fn wait(fault: Option<&Fault>, state: &Shared) {
    match fault {
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Hold) => {
            while !state.lock().goes_on {
                tokio::time::sleep(HOLD).await;
            }
        }
        _ => {}
    }
}

/// An answer that announces more than comes.
fn truncated(status: StatusCode, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        status.as_u16(),
        body.len() + 100
    );
    [head.as_bytes(), body].concat()
}

/// Writes the request down; its place in the record, and the fault that it meets.
fn record(state: &Shared, parts: &Parts, body: &[u8], connection: usize) -> (usize, Option<Fault>) {
    let mut state = state.lock();
    state.recorded.push(Recorded::new(parts, body, connection));
    let endpoint = match parts.uri.path() {
        TOKEN_PATH => Endpoint::Token,
        exchange::PATH => Endpoint::Exchange,
        path if path.contains("/keys/") => Endpoint::Key,
        _ => Endpoint::Keys,
    };
    let planned = fault::take(&mut state.faults, endpoint);
    let index = state.recorded.len() - 1;
    state.recorded[index].misbehaved = planned.is_some();
    (index, planned)
}

/// What the service does.
async fn usual(state: &Shared, parts: &Parts, body: &[u8]) -> (StatusCode, Vec<u8>) {
    let text = |name| {
        let value = parts.headers.get(name)?;
        value.to_str().ok()
    };
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let answer = if (method, path) == ("POST", exchange::PATH) {
        // It fetches the issuer's keys, which others do not wait for.
        let content_type = text(header::CONTENT_TYPE);
        exchange::respond(state, content_type, body).await.map(Some)
    } else {
        route(
            &mut state.lock(),
            method,
            path,
            parts.uri.query().unwrap_or_default(),
            text(header::AUTHORIZATION),
            body,
        )
    };
    match answer {
        Ok(Some(value)) => (StatusCode::OK, value.to_string().into_bytes()),
        Ok(None) => (StatusCode::OK, Vec::new()),
        Err(refusal) => (refusal.status, refusal.body()),
    }
}

/// The body a byte at a time.
fn drip(status: StatusCode, body: Vec<u8>, pause: Duration) -> Response<Body> {
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        for byte in body {
            tokio::time::sleep(pause).await;
            if sender.send_data(Bytes::from(vec![byte])).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Either::Right(channel));
    *response.status_mut() = status;
    response
}

const TOKEN_PATH: &str = "/api/v2/oauth/token";

/// The tailnets that there are: the token's own, and the same by its name.
const TAILNETS: [&str; 2] = ["-", "example.com"];

fn route(
    state: &mut State,
    method: &str,
    path: &str,
    query: &str,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Option<Value>, Refusal> {
    let dialect = state.dialect;
    if (method, path) == ("POST", TOKEN_PATH) {
        return token::issue(state, authorization, body).map(Some);
    }
    let rest = path.strip_prefix("/api/v2/tailnet/");
    let Some((tailnet, rest)) = rest.and_then(|rest| rest.split_once('/')) else {
        return Err(keys::not_found(dialect));
    };
    let token = bearer(state, authorization)?;
    if !TAILNETS.contains(&tailnet) {
        return Err(keys::not_found(dialect));
    }
    let id = rest.strip_prefix("keys/").filter(|id| !id.contains('/'));
    match (method, rest, id) {
        ("POST", "keys", _) => keys::create(state, &token, body).map(Some),
        ("GET", "keys", _) => keys::list(state, &token, query == "all=true").map(Some),
        ("GET", _, Some(id)) => keys::get(state, &token, id).map(Some),
        ("PUT", _, Some(id)) => keys::replace(state, &token, id, body).map(Some),
        ("DELETE", _, Some(id)) => keys::delete(state, &token, id),
        ("GET", "services" | "vip-services", _)
            if crate::scope::grants(&token.scopes, "services:read") =>
        {
            Ok(Some(serde_json::json!({ "vipServices": [] })))
        }
        _ => Err(keys::not_found(dialect)),
    }
}

/// The token, as bearer or as the user name of HTTP Basic.
fn bearer(state: &State, authorization: Option<&str>) -> Result<Token, Refusal> {
    use base64::{Engine, prelude::BASE64_STANDARD};

    let text = authorization.and_then(|value| match value.split_once(' ')? {
        ("Bearer", token) => Some(token.to_owned()),
        ("Basic", encoded) => {
            let decoded = BASE64_STANDARD.decode(encoded).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            Some(text.split_once(':')?.0.to_owned())
        }
        _ => None,
    });
    text.and_then(|text| state.token(&text).cloned())
        .ok_or_else(|| {
            Refusal::message(state.dialect, StatusCode::UNAUTHORIZED, "API token invalid")
        })
}
