use tailmint_api::{API_HOST, OutsideText, Route, USER_AGENT};

use crate::{
    Error, Problem, TransportCause, TransportFailure, rejection::outcome_unknown, step::Step,
};

/// Sends requests: one request, one response.
pub trait Transport {
    /// Sends the request to [`API_HOST`] and waits for the whole response, with at most
    /// [`Route::max_response_bytes`] of body. Follows no redirects.
    fn send(&mut self, request: &Request) -> Result<Response, TransportError>;
}

/// A request to the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The route; it has the method.
    pub route: Route,
    /// The route's path with its variable segments filled in.
    pub path: String,
    /// The token, sent as bearer.
    pub bearer: Option<String>,
    /// The body with its content type.
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

/// A response of the API, or of something in between.
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
    /// The host denied the request: it was not sent.
    Denied {
        /// What the host said.
        detail: String,
    },
    /// The request may have arrived, but no complete response came back.
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
    /// The error where the request creates nothing, so that it may be sent again.
    pub(crate) fn without_effect(self, step: Step) -> Error {
        match self {
            Self::Denied { detail } => denied(&detail),
            Self::Lost { cause, detail } | Self::NotSent { cause, detail } => {
                failure(step, cause, &detail)
            }
        }
    }

    /// The error where the request creates or changes something.
    pub(crate) fn while_changing(self, step: Step) -> Error {
        match self {
            Self::Lost { detail, .. } => outcome_unknown(
                step,
                &format!(
                    "no response to {}: {}",
                    step.request(),
                    OutsideText::new(&detail)
                ),
                None,
            ),
            other => other.without_effect(step),
        }
    }
}

fn denied(detail: &str) -> Error {
    Error::Denied(Problem {
        message: format!("the host denied the request: {}", OutsideText::new(detail)),
        hint: "see the host's policy".to_owned(),
        status: None,
    })
}

fn failure(step: Step, cause: TransportCause, detail: &str) -> Error {
    Error::Transport(TransportFailure {
        problem: Problem {
            message: format!("{} failed: {}", step.request(), OutsideText::new(detail)),
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
                TransportCause::Timeout => "try again later".to_owned(),
                TransportCause::Protocol => {
                    "see whether a proxy or a login page stands between here and the API".to_owned()
                }
            },
            status: None,
        },
        cause,
    })
}
