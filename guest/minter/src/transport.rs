use tailmint_api::{API_HOST, Route, USER_AGENT, one_line};

use crate::{
    Error, Problem, TransportCause, TransportFailure, key_kind::KeyKind,
    rejection::outcome_unknown, step::Step,
};

/// The way out: one request, one response.
pub trait Transport {
    /// Sends the request to [`API_HOST`] and waits for the whole
    /// response, of which at most [`Route::max_response_bytes`] of body are taken. Redirects are not followed.
    fn send(&mut self, request: &Request) -> Result<Response, TransportError>;
}

/// A request to the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What for; it has the method.
    pub route: Route,
    /// Where: the route's path with its variable parts filled in.
    pub path: String,
    /// Who asks: the token, sent as bearer.
    pub bearer: Option<String>,
    /// What: the body with its content type.
    pub body: Option<Body>,
}

/// The body of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub content: Vec<u8>,
}

impl Request {
    /// The headers in the order they are sent in. `Host` is the host's to set.
    pub fn headers(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut headers = vec![
            ("accept", b"application/json".to_vec()),
            ("user-agent", USER_AGENT.as_bytes().to_vec()),
        ];
        if let Some(bearer) = &self.bearer {
            headers.push(("authorization", format!("Bearer {bearer}").into_bytes()));
        }
        if let Some(body) = &self.body {
            headers.push(("content-type", body.content_type.as_bytes().to_vec()));
            headers.push((
                "content-length",
                body.content.len().to_string().into_bytes(),
            ));
        }
        headers
    }
}

/// A response of the API, or of what stands in its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`, if there is exactly one and it is text.
    pub retry_after: Option<String>,
    /// The header `Date`, likewise. It is the only clock there is.
    pub date: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The host refused to send the request.
    Denied {
        /// What the host said.
        detail: String,
    },
    /// The request may have arrived, but no whole answer came back.
    Lost {
        /// At which step it went wrong.
        cause: TransportCause,
        /// What the host said.
        detail: String,
    },
    /// The request did not arrive.
    NotSent {
        /// At which step it went wrong.
        cause: TransportCause,
        /// What the host said.
        detail: String,
    },
}

impl TransportError {
    /// What this means where asking again does no harm. `what` is what was asked
    /// for.
    pub(crate) fn without_effect(self, what: &str) -> Error {
        match self {
            Self::Denied { detail } => denied(&detail),
            Self::Lost { cause, detail } | Self::NotSent { cause, detail } => {
                failure(&format!("the request for {what}"), cause, &detail)
            }
        }
    }

    /// What this means where the request makes something.
    pub(crate) fn while_making(self, kind: KeyKind) -> Error {
        let what = format!("the request for {}", Step::Create(kind).what());
        match self {
            Self::Denied { detail } => denied(&detail),
            Self::Lost { detail, .. } => outcome_unknown(
                kind,
                &format!("no answer came to {what}: {}", one_line(&detail)),
                None,
            ),
            Self::NotSent { cause, detail } => failure(&what, cause, &detail),
        }
    }
}

fn denied(detail: &str) -> Error {
    Error::Denied(Problem {
        message: format!("the host refused to send the request: {}", one_line(detail)),
        hint: "see the host's policy".to_owned(),
        status: None,
    })
}

fn failure(what: &str, cause: TransportCause, detail: &str) -> Error {
    Error::Transport(TransportFailure {
        problem: Problem {
            message: format!("{what} did not come through: {}", one_line(detail)),
            hint: match cause {
                TransportCause::NameResolution => {
                    format!("see whether {API_HOST} can be resolved here")
                }
                TransportCause::Connection => {
                    format!("see whether {API_HOST} can be reached on port 443 from here")
                }
                TransportCause::Tls => {
                    "see whether a proxy with a certificate of its own stands between".to_owned()
                }
                TransportCause::Timeout => "try again in a while".to_owned(),
                TransportCause::Protocol => {
                    "see whether a proxy or a login page stands between here and the API".to_owned()
                }
            },
            status: None,
        },
        cause,
    })
}
