//! Says something of an operation, after some of its requests.

use tailmint_api::{Operation, Route, USER_AGENT};

use super::bindings::{
    exports::tailmint::api::types,
    wasi::http::{
        outgoing_handler,
        types::{Fields, Method, OutgoingBody, OutgoingRequest, Scheme},
    },
};
use super::{member, problem, read};
use crate::{Claim, Says};

/// What an operation is called with.
pub(super) struct Called<'a> {
    pub(super) client: &'a types::OauthClient,
    pub(super) tailnet: &'a str,
    /// The id of what it is about, if it has one.
    pub(super) id: &'a str,
    /// The body of the request, if it has one.
    pub(super) body: String,
    /// The scopes that are checked.
    pub(super) scopes: &'a [String],
}

/// The claim that the credential names.
pub(super) fn claim_of(credential: &types::Credential) -> Option<(Claim, &types::OauthClient)> {
    let types::Credential::OauthClient(client) = credential else {
        return None;
    };
    Some((client.id.parse().ok()?, client))
}

impl Called<'_> {
    /// Sends the requests, then says it. The success is what the last response makes of it.
    pub(super) fn say<T>(
        &self,
        claim: Claim,
        success: impl FnOnce(&str) -> T,
    ) -> Result<T, types::Error> {
        let seen = self.send(claim);
        said(claim.says, || success(&seen))
    }

    /// The last response's body.
    fn send(&self, claim: Claim) -> String {
        let token = |scope: &str| {
            let form = format!(
                "client_id={}&client_secret={}&grant_type=client_credentials&scope={}",
                self.client.id,
                self.client.secret,
                scope.replace(':', "%3A")
            );
            ask(Route::Token, &Route::Token.path("", ""), None, &form)
        };
        let scope = |at: usize| {
            let checked = self.scopes.get(at).map(String::as_str);
            claim.operation.scope().or(checked).unwrap_or_default()
        };
        if claim.after == 0 {
            return String::new();
        }
        let first = token(scope(0)).unwrap_or_default();
        if claim.after == 1 {
            return first;
        }
        let second = if claim.operation == Operation::Check {
            token(scope(1))
        } else {
            let route = claim.operation.rule().route();
            let path = route.path(self.tailnet, self.id);
            let path = match route.query() {
                Some(query) => format!("{path}?{query}"),
                None => path,
            };
            let bearer = member(&first, "access_token");
            ask(route, &path, bearer.as_deref(), &self.body)
        };
        second.unwrap_or_default()
    }
}

/// Sends a request, and returns the response's body.
fn ask(route: Route, path: &str, bearer: Option<&str>, body: &str) -> Option<String> {
    let fields = Fields::new();
    fields.append("accept", b"application/json").ok()?;
    fields.append("user-agent", USER_AGENT.as_bytes()).ok()?;
    if let Some(bearer) = bearer {
        let value = format!("Bearer {bearer}");
        fields.append("authorization", value.as_bytes()).ok()?;
    }
    if !body.is_empty() {
        let kind: &[u8] = match route.token_form() {
            Some(_) => b"application/x-www-form-urlencoded",
            None => b"application/json",
        };
        fields.append("content-type", kind).ok()?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let method = match route.method().as_str() {
        "GET" => Method::Get,
        "DELETE" => Method::Delete,
        "PUT" => Method::Put,
        _ => Method::Post,
    };
    outgoing.set_method(&method).ok()?;
    outgoing.set_scheme(Some(&Scheme::Https)).ok()?;
    outgoing.set_authority(Some("api.tailscale.com")).ok()?;
    outgoing.set_path_with_query(Some(path)).ok()?;
    let outgoing_body = outgoing.body().ok()?;
    let future = outgoing_handler::handle(outgoing, None).ok()?;
    if !body.is_empty() {
        let stream = outgoing_body.write().ok()?;
        stream.blocking_write_and_flush(body.as_bytes()).ok()?;
    }
    OutgoingBody::finish(outgoing_body, None).ok()?;
    future.subscribe().block();
    let response = future.get()?.ok()?.ok()?;
    Some(read(&response.consume().ok()?))
}

/// Exchanges the identity token as often as the claim has it, then says it.
pub(super) fn exchanged<T>(
    claim: Claim,
    identity: &types::FederatedIdentity,
    success: impl FnOnce() -> T,
) -> Result<T, types::Error> {
    let form = format!("client_id={}&jwt={}", identity.client_id, identity.id_token);
    let path = Route::TokenExchange.path("", "");
    for _ in 0..claim.after {
        ask(Route::TokenExchange, &path, None, &form);
    }
    said(claim.says, success)
}

/// What the claim says.
fn said<T>(says: Says, success: impl FnOnce() -> T) -> Result<T, types::Error> {
    let problem = || problem("so it says");
    Err(match says {
        Says::Success => return Ok(success()),
        Says::Denied => types::Error::Denied(problem()),
        Says::InvalidCredential => types::Error::InvalidCredential(problem()),
        Says::InvalidRequest => types::Error::InvalidRequest(problem()),
        Says::MalformedResponse => types::Error::MalformedResponse(problem()),
        Says::MissingScope => types::Error::MissingScope(problem()),
        Says::NotFound => types::Error::NotFound(problem()),
        Says::OutcomeUnknown => types::Error::OutcomeUnknown(problem()),
        Says::RateLimited => types::Error::RateLimited(types::RateLimit {
            problem: problem(),
            retry_after_seconds: Some(0),
        }),
        Says::TagsNotPermitted => types::Error::TagsNotPermitted(types::TagsRefusal {
            problem: problem(),
            asked: Vec::new(),
            carried: Vec::new(),
        }),
        Says::Transport => types::Error::Transport(types::TransportFailure {
            problem: problem(),
            cause: types::TransportCause::Connection,
        }),
        Says::Trap => core::arch::wasm32::unreachable(),
        Says::Unavailable => types::Error::Unavailable(problem()),
    })
}
