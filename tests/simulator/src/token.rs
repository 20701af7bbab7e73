//! `POST /api/v2/oauth/token`.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    clock::after,
    dialect::{Dialect, random},
    refusal::Refusal,
    scope,
    state::{State, Token},
};

/// The lifetime of a token. It cannot be changed.
pub(crate) const LIFETIME: Duration = Duration::from_hours(1);

pub(crate) fn issue(
    state: &mut State,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Value, Refusal> {
    let dialect = state.dialect;
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let member = |name: &str| {
        form.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.clone())
    };
    if let Some(grant) = member("grant_type")
        && grant != "client_credentials"
    {
        return Err(match dialect {
            Dialect::Headscale => Refusal::rfc6749(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only client_credentials is supported",
            ),
            Dialect::Tailscale => {
                Refusal::message(dialect, StatusCode::BAD_REQUEST, "unsupported grant type")
            }
        });
    }
    let secret = member("client_secret")
        .or_else(|| basic(authorization?))
        .unwrap_or_default();
    // The id is not looked at: the secret has it in it.
    let Some(client) = state.client_of_secret(&secret).cloned() else {
        return Err(match dialect {
            Dialect::Headscale => Refusal::rfc6749(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "invalid client credentials",
            ),
            Dialect::Tailscale => {
                Refusal::message(dialect, StatusCode::UNAUTHORIZED, "API token invalid")
            }
        });
    };
    let asked = member("scope").unwrap_or_default();
    let scopes = grant(dialect, &client.scopes, &asked)?;
    let access_token = access_token(dialect);
    let mut answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "scope": scopes.join(" "),
    });
    if dialect == Dialect::Tailscale {
        answer["tags"] = client.tags.join(" ").into();
    }
    state.tokens.insert(
        access_token,
        Token {
            scopes,
            tags: client.tags,
            expires: after(state.clock.now(), LIFETIME),
            client: Some(client.id),
        },
    );
    Ok(answer)
}

/// A new access token.
pub(crate) fn access_token(dialect: Dialect) -> String {
    match dialect {
        Dialect::Headscale => format!("hskey-oauthtok-{}-{}", random(12), random(64)),
        Dialect::Tailscale => format!("tskey-api-{}-{}", dialect.id(), random(32)),
    }
}

fn basic(authorization: &str) -> Option<String> {
    let decoded = BASE64_STANDARD
        .decode(authorization.strip_prefix("Basic ")?)
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    Some(text.split_once(':')?.1.to_owned())
}

/// The scopes of the token: those asked for that exist, or all where none is.
fn grant(dialect: Dialect, held: &[String], asked: &str) -> Result<Vec<String>, Refusal> {
    let known: Vec<String> = asked
        .split(' ')
        .filter(|scope| scope::exists(scope))
        .map(str::to_owned)
        .collect();
    if known.is_empty() {
        return Ok(held.to_vec());
    }
    match known.iter().find(|scope| !scope::grants(held, scope)) {
        None => Ok(known),
        Some(lacking) => Err(match dialect {
            Dialect::Headscale => Refusal::rfc6749(
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                &format!("scope {lacking} is not granted to this client"),
            ),
            Dialect::Tailscale => Refusal::message(
                dialect,
                StatusCode::FORBIDDEN,
                &format!("OAuth client cannot grant scopes \"{asked}\""),
            ),
        }),
    }
}
