use std::{net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use ureq::{
    Agent,
    http::{self, header},
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::{Hidden, Stop};

/// Where the keys of the tailnet are that the credential belongs to.
pub(crate) const KEYS: &str = "/api/v2/tailnet/-/keys";

/// A request that has no response by then has none.
const LIMIT: Duration = Duration::from_mins(1);

/// How often a request is sent that is told to come later.
const TRIES: usize = 4;

/// Where the requests go.
#[derive(Clone, Debug)]
pub enum Target {
    /// `https://api.tailscale.com`.
    Really,
    /// A simulator on this machine, and the certificate that it is trusted by, as PEM.
    Simulator {
        /// Where its API listens.
        address: SocketAddr,
        /// The authority.
        ca_pem: String,
    },
}

/// Sends requests. It follows no redirect and keeps no state.
pub(crate) struct Api {
    base: String,
    agent: Agent,
}

/// A request to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    authorization: Option<Hidden>,
    content_type: Option<&'static str>,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            authorization: None,
            content_type: None,
            body: String::new(),
        }
    }

    pub(crate) fn bearer(mut self, token: &Hidden) -> Self {
        let value = format!("Bearer {}", token.expose());
        self.authorization = Some(Hidden::new(value));
        self
    }

    pub(crate) fn basic(mut self, user: &str, password: &Hidden) -> Self {
        let both = format!("{user}:{}", password.expose());
        let value = format!("Basic {}", BASE64_STANDARD.encode(both));
        self.authorization = Some(Hidden::new(value));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that is said to be JSON.
    pub(crate) fn text(mut self, body: impl Into<String>) -> Self {
        self.content_type = Some("application/json");
        self.body = body.into();
        self
    }

    pub(crate) fn form(mut self, members: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.content_type = Some("application/x-www-form-urlencoded");
        self.body = form.extend_pairs(members).finish();
        self
    }
}

/// What came back.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
    /// `null` where the body is not JSON.
    pub(crate) json: Value,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A member of the body that is text.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.json[name].as_str()
    }

    /// A secret in the body, where the request succeeded.
    pub(crate) fn secret(&self, name: &str) -> Option<Hidden> {
        let value = self.member(name).filter(|_| self.is_success());
        value.map(Hidden::new)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Api {
    pub(crate) fn new(target: &Target) -> Result<Self, String> {
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("tailmint-live/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(LIMIT));
        let (base, config) = match target {
            Target::Really => ("https://api.tailscale.com".to_owned(), config.build()),
            Target::Simulator { address, ca_pem } => {
                if !address.ip().is_loopback() {
                    return Err(format!("{address} is not an address of this machine"));
                }
                let authority = Certificate::from_pem(ca_pem.as_bytes())
                    .map_err(|error| format!("the certificate is not PEM: {error}"))?;
                let roots = RootCerts::new_with_certs(&[authority]);
                let tls = TlsConfig::builder().root_certs(roots).build();
                let config = config.tls_config(tls).proxy(None).build();
                (format!("https://{address}"), config)
            }
        };
        Ok(Self {
            base,
            agent: config.new_agent(),
        })
    }

    /// Sends it. A response that tells to come later (429) changed nothing, so the request is
    /// sent once more after a pause; `seen` is shown that response too.
    pub(crate) fn send(
        &self,
        request: &Request,
        seen: &mut dyn FnMut(&Response),
    ) -> Result<Response, Stop> {
        for left in (0..TRIES).rev() {
            let response = self.once(request)?;
            seen(&response);
            if response.status != 429 || left == 0 {
                return Ok(response);
            }
            let pause = response.header("retry-after");
            let pause = pause.and_then(|it| it.parse().ok()).unwrap_or(5);
            std::thread::sleep(Duration::from_secs(u64::min(pause, 30)));
        }
        unreachable!("the last try returns")
    }

    fn once(&self, request: &Request) -> Result<Response, Stop> {
        let mut head = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.base, request.path));
        if let Some(authorization) = &request.authorization {
            head = head.header(header::AUTHORIZATION, authorization.expose());
        }
        if let Some(content_type) = request.content_type {
            head = head.header(header::CONTENT_TYPE, content_type);
        }
        // The errors of the library name hosts and causes, no headers and no bodies.
        let stop = |error: ureq::Error| Stop::Transport(error.to_string());
        let failed = |error: http::Error| Stop::Transport(error.to_string());
        let sent = if request.content_type.is_some() {
            let whole = head.body(request.body.as_str()).map_err(failed)?;
            self.agent.run(whole)
        } else {
            self.agent.run(head.body(()).map_err(failed)?)
        };
        let mut response = sent.map_err(stop)?;
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let headers = headers.collect();
        let text = response.body_mut().read_to_string().map_err(stop)?;
        Ok(Response {
            status: response.status().as_u16(),
            headers,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }
}
