use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tailmint_simulator::{FederatedIdentity, Issuer, Setup, Simulator};
use ureq::{
    Agent,
    http::{HeaderName, HeaderValue, Request},
    tls::{Certificate, RootCerts, TlsConfig},
};

/// A simulator with a client that trusts it.
pub(crate) struct Api {
    pub(crate) simulator: Simulator,
    agent: Agent,
}

/// The subject of good tokens.
pub(crate) const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";

/// A response: its status, and its body as JSON, or as text where that fails.
pub(crate) type Response = (u16, Value);

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(&Setup::default())
    }

    pub(crate) fn with(setup: &Setup) -> Self {
        let simulator = Simulator::start(setup).unwrap();
        let agent = agent(&simulator);
        Self { simulator, agent }
    }

    /// One with an issuer, and an identity for its tokens that may do with keys what it likes.
    pub(crate) fn with_identity() -> (Self, Issuer, FederatedIdentity) {
        let api = Self::new();
        let issuer = Issuer::start(&api.simulator).unwrap();
        let identity = api.add(&issuer, "repo:acme/web:*");
        (api, issuer, identity)
    }

    /// Another identity for tokens of the issuer.
    pub(crate) fn add(&self, issuer: &Issuer, subject: &str) -> FederatedIdentity {
        let identity =
            FederatedIdentity::new("ci", &["auth_keys"], &["tag:ci"], issuer.url(), subject);
        self.simulator.add_identity(identity.clone());
        identity
    }

    pub(crate) fn call(&self, token: &str, method: &str, path: &str, body: &Value) -> Response {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = format!("/api/v2/tailnet/-/{path}");
        let headers = [("authorization", format!("Bearer {token}"))];
        self.send(method, &path, &headers, &body)
    }

    /// The same with the API key, which may do everything.
    pub(crate) fn as_owner(&self, method: &str, path: &str, body: &Value) -> Response {
        self.call(&self.simulator.api_key(), method, path, body)
    }

    pub(crate) fn form(&self, form: &str) -> Response {
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let headers = [("content-type", content_type)];
        self.send("POST", "/api/v2/oauth/token-exchange", &headers, form)
    }

    pub(crate) fn exchange(&self, client_id: &str, jwt: &str) -> Response {
        self.form(&format!("client_id={client_id}&jwt={jwt}"))
    }

    /// An access token for the identity.
    pub(crate) fn token(&self, client_id: &str, jwt: &str) -> String {
        let (status, body) = self.exchange(client_id, jwt);
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// The exchange is rejected in the words of every rejection, for this cause.
    pub(crate) fn assert_rejected(&self, client_id: &str, jwt: &str, cause: &str) {
        let rejected = self.exchange(client_id, jwt);
        let page = "https://login.tailscale.com/admin/settings/trust-credentials/view";
        let message = format!("Unauthorized. Visit {page}/{client_id} for details");
        assert_eq!(rejected, (403, json!({ "message": message })), "{cause}");
        let last = self.simulator.last_cause(client_id);
        assert_eq!(last.as_deref(), Some(cause));
        assert_eq!(self.console(client_id), json!({ "cause": cause }));
    }

    /// The page of the identity, as the control listener shows it.
    pub(crate) fn console(&self, client_id: &str) -> Value {
        self.control("GET", &format!("/console/{client_id}"), &Value::Null)
            .1
    }

    /// A request to the control listener.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Response {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let url = format!("http://{}{path}", self.simulator.control());
        let (status, _, text) = send(&self.agent, method, &url, &[], &body).unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> Response {
        let url = format!("https://{}{path}", self.simulator.address());
        let (status, _, text) = send(&self.agent, method, &url, headers, body).unwrap();
        (status, serde_json::from_str(&text).unwrap_or(text.into()))
    }
}

/// Waits until it is so. A machine that is busy is no failure.
pub(crate) fn wait_until(what: &str, met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A client that trusts the simulator's authority alone, and follows no redirect.
pub(crate) fn agent(simulator: &Simulator) -> Agent {
    let authority = Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[authority]));
    Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .new_agent()
}

/// The status, the headers and the body of a response.
pub(crate) type Got = (u16, Vec<(String, String)>, String);

/// Sends a request, with an empty body where there is nothing in it.
pub(crate) fn send(
    agent: &Agent,
    method: &str,
    url: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Result<Got, ureq::Error> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = if body.is_empty() {
        agent.run(request.body(()).unwrap())?
    } else {
        agent.run(request.body(body.to_owned()).unwrap())?
    };
    let status = response.status().as_u16();
    let named = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    let headers = response.headers().iter().map(named).collect();
    Ok((status, headers, response.into_body().read_to_string()?))
}
