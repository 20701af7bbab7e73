use tailmint_api::{API_HOST, RouteMethod};

use crate::bindings::wasi::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
            OutgoingRequest, Scheme,
        },
    },
    io::streams::StreamError,
};
use crate::{Request, Response, Transport, TransportCause, TransportError};

/// The one way out of the component: `wasi:http/outgoing-handler`.
pub(crate) struct Outgoing;

/// `blocking-write-and-flush` takes at most this much at once (`wasi:io/streams`).
const WRITE_BYTES: usize = 4096;

impl Transport for Outgoing {
    fn send(&mut self, request: &Request) -> Result<Response, TransportError> {
        let headers: Vec<_> = request
            .headers()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let headers = Fields::from_list(&headers).map_err(|error| {
            not_sent(format!("the host does not accept the headers: {error:?}"))
        })?;
        let outgoing = OutgoingRequest::new(headers);
        address(&outgoing, request)
            .and_then(|()| outgoing.body())
            .map_err(|()| not_sent("the host does not accept the request".to_owned()))
            .and_then(|body| {
                let future = outgoing_handler::handle(outgoing, None).map_err(failed)?;
                let written = write(body, request);
                future.subscribe().block();
                let response = match future.get() {
                    Some(Ok(response)) => response.map_err(failed)?,
                    _ => return Err(lost("the host gave no response".to_owned())),
                };
                written?;
                read(&response, request.route.max_response_bytes())
            })
    }
}

fn address(outgoing: &OutgoingRequest, request: &Request) -> Result<(), ()> {
    let method = match request.route.method() {
        RouteMethod::Delete => WasiMethod::Delete,
        RouteMethod::Get => WasiMethod::Get,
        RouteMethod::Post => WasiMethod::Post,
        RouteMethod::Put => WasiMethod::Put,
    };
    outgoing.set_method(&method)?;
    outgoing.set_scheme(Some(&Scheme::Https))?;
    outgoing.set_authority(Some(API_HOST))?;
    match request.route.query() {
        Some(query) => {
            let path = format!("{}?{query}", request.path);
            outgoing.set_path_with_query(Some(&path))
        }
        None => outgoing.set_path_with_query(Some(&request.path)),
    }
}

/// Writes the body. Why the host denied the request comes with the response, so a
/// stream that it closed is not an error here.
fn write(body: OutgoingBody, request: &Request) -> Result<(), TransportError> {
    if let Some(content) = &request.body {
        let stream = body
            .write()
            .map_err(|()| lost("the host does not accept the body".to_owned()))?;
        for part in content.content.chunks(WRITE_BYTES) {
            if stream.blocking_write_and_flush(part).is_err() {
                break;
            }
        }
    }
    OutgoingBody::finish(body, None).map_err(failed)
}

fn read(response: &IncomingResponse, most: usize) -> Result<Response, TransportError> {
    let headers = response.headers();
    let single = |name: &str| match headers.get(name).as_slice() {
        [value] => String::from_utf8(value.clone()).ok(),
        _ => None,
    };
    let (retry_after, date) = (single("retry-after"), single("date"));
    let body = response
        .consume()
        .map_err(|()| lost("the response has no body".to_owned()))?;
    Ok(Response {
        status: response.status(),
        retry_after,
        date,
        body: read_body(&body, most)?,
    })
}

fn read_body(body: &IncomingBody, most: usize) -> Result<Vec<u8>, TransportError> {
    let stream = body
        .stream()
        .map_err(|()| lost("the response's body is not readable".to_owned()))?;
    let mut content = Vec::new();
    loop {
        // One byte more than allowed tells a full body from one that is too long.
        let room = most + 1 - content.len();
        match stream.blocking_read(room as u64) {
            Ok(part) => content.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok(content),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(lost(format!(
                    "the response broke off: {}",
                    error.to_debug_string()
                )));
            }
        }
        if content.len() > most {
            return Err(lost(format!("the response is longer than {most} bytes")));
        }
    }
}

fn not_sent(detail: String) -> TransportError {
    TransportError::NotSent {
        cause: TransportCause::Protocol,
        detail,
    }
}

fn lost(detail: String) -> TransportError {
    TransportError::Lost {
        cause: TransportCause::Protocol,
        detail,
    }
}

/// Whether the request may have arrived, by the error code. Codes that can only come
/// up before a byte of it left are `NotSent`; all others leave it open.
fn failed(code: ErrorCode) -> TransportError {
    use TransportCause::{Connection, NameResolution, Protocol, Timeout, Tls};
    let (sent, cause, detail) = match code {
        ErrorCode::HttpRequestDenied => {
            return TransportError::Denied {
                detail: "its policy does not allow it".to_owned(),
            };
        }
        ErrorCode::DestinationIpProhibited => {
            return TransportError::Denied {
                detail: "the address of the API's host is not allowed".to_owned(),
            };
        }
        ErrorCode::DnsTimeout => (
            false,
            NameResolution,
            "name resolution took too long".to_owned(),
        ),
        ErrorCode::DnsError(payload) => (
            false,
            NameResolution,
            match payload.rcode {
                Some(rcode) => format!("the name could not be resolved: {rcode}"),
                None => "the name could not be resolved".to_owned(),
            },
        ),
        ErrorCode::DestinationNotFound => {
            (false, NameResolution, "the host was not found".to_owned())
        }
        ErrorCode::ConnectionRefused => (
            false,
            Connection,
            "the host rejected the connection".to_owned(),
        ),
        ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            (false, Connection, "the host cannot be reached".to_owned())
        }
        ErrorCode::ConnectionLimitReached => (false, Connection, "too many connections".to_owned()),
        ErrorCode::ConnectionTimeout => {
            (false, Timeout, "no connection was made in time".to_owned())
        }
        ErrorCode::TlsCertificateError => (false, Tls, "the certificate is not valid".to_owned()),
        ErrorCode::TlsProtocolError => (false, Tls, "the TLS handshake failed".to_owned()),
        ErrorCode::TlsAlertReceived(payload) => (
            false,
            Tls,
            match payload.alert_message {
                Some(alert) => format!("the server ended the TLS handshake: {alert}"),
                None => "the server ended the TLS handshake".to_owned(),
            },
        ),
        ErrorCode::ConnectionTerminated => (true, Connection, "the connection broke".to_owned()),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            (true, Timeout, "no response came in time".to_owned())
        }
        ErrorCode::ConnectionWriteTimeout => (
            true,
            Timeout,
            "the request could not be written in time".to_owned(),
        ),
        ErrorCode::HttpResponseIncomplete => (true, Protocol, "the response broke off".to_owned()),
        ErrorCode::HttpResponseBodySize(_) => {
            (true, Protocol, "the response is too long".to_owned())
        }
        other => (true, Protocol, format!("{other:?}")),
    };
    if sent {
        TransportError::Lost { cause, detail }
    } else {
        TransportError::NotSent { cause, detail }
    }
}
