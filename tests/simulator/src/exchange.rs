//! `POST /api/v2/oauth/token-exchange`: an identity token of an issuer for an access token.

pub(crate) mod claim_name;
mod fetch;
mod jwt;
mod key_set;
mod pattern;
mod unique;
mod verify;

pub(crate) use key_set::KeySet;

use std::time::Duration;

use http::StatusCode;
use jwt::Jwt;
use serde_json::{Value, json};

use crate::{
    FederatedIdentity,
    clock::after,
    dialect::Dialect,
    keys,
    refusal::Refusal,
    simulator::Shared,
    state::Token,
    token::{self, LIFETIME},
};

pub(crate) const PATH: &str = "/api/v2/oauth/token-exchange";

/// How long the keys of an issuer are kept. How long the service keeps them is not known.
const KEYS_LIFETIME: Duration = Duration::from_hours(1);

/// Exchanges what is in the form. Members that it does not know, and any authorization, it
/// does not look at: `tailscale up` sends `grant_type`, an empty `code` and an empty Basic.
pub(crate) async fn respond(
    shared: &Shared,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Value, Refusal> {
    let dialect = shared.lock().dialect;
    if dialect == Dialect::Headscale {
        return Err(keys::not_found(dialect));
    }
    let is_form = content_type.is_some_and(|it| {
        let media_type = it.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let member = |name: &str| {
        let mut form = form_urlencoded::parse(if is_form { body } else { &[] });
        let found = form.find(|(other, _)| other == name);
        found.map(|(_, value)| value.into_owned())
    };
    let required = |name: &str| {
        member(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                let message = format!("invalid request: {name} is required");
                Refusal::message(dialect, StatusCode::BAD_REQUEST, &message)
            })
    };
    let client = required("client_id")?;
    let jwt = required("jwt")?;
    let identity = {
        let state = shared.lock();
        let index = state.live_identity(&client);
        index.map(|index| state.identities[index].clone())
    };
    let judged = match &identity {
        None => Err("there is no such federated identity".to_owned()),
        Some(identity) => judge(shared, identity, &jwt).await,
    };
    match (identity, judged) {
        (Some(identity), Ok(())) => Ok(grant(shared, &identity)),
        (_, Err(cause)) => {
            shared.lock().causes.insert(client.clone(), cause);
            Err(rejection(dialect, &client))
        }
        (None, Ok(())) => unreachable!("no identity is judged"),
    }
}

/// The words of every rejection: the cause is on the page alone.
fn rejection(dialect: Dialect, client: &str) -> Refusal {
    let message = format!(
        "Unauthorized. Visit \
         https://login.tailscale.com/admin/settings/trust-credentials/view/{client} for details"
    );
    Refusal::message(dialect, StatusCode::FORBIDDEN, &message)
}

/// Whether the token is exchanged for this identity; why not.
async fn judge(shared: &Shared, identity: &FederatedIdentity, text: &str) -> Result<(), String> {
    let jwt = Jwt::parse(text)?;
    verify::algorithm(&jwt)?;
    let kid = verify::kid(&jwt)?;
    let keys = keys_with(shared, &identity.issuer, kid).await;
    let keys =
        keys.map_err(|why| format!("token is unverifiable: error while executing keyfunc: {why}"))?;
    verify::signature(&jwt, &keys, kid)?;
    let (now, leeway) = {
        let state = shared.lock();
        (state.clock.now(), state.leeway)
    };
    verify::claims(&jwt, identity, now, leeway)
}

/// The keys of an issuer, this one among them. They are fetched where they are not known, and
/// once more where they are and the key is not.
async fn keys_with(shared: &Shared, issuer: &str, kid: &str) -> Result<KeySet, String> {
    let known = {
        let state = shared.lock();
        let now = state.clock.now();
        let kept = state.key_sets.get(issuer).cloned();
        kept.filter(|(fetched, _)| now < after(*fetched, KEYS_LIFETIME))
    };
    if let Some((_, keys)) = known
        && keys.has(kid)
    {
        return Ok(keys);
    }
    let keys = fetch::keys(shared, issuer).await?;
    let mut state = shared.lock();
    let now = state.clock.now();
    state
        .key_sets
        .insert(issuer.to_owned(), (now, keys.clone()));
    if keys.has(kid) {
        Ok(keys)
    } else {
        Err(format!("the issuer has no key {kid:?}"))
    }
}

/// A token with the whole grant of the identity: it cannot be narrowed here.
fn grant(shared: &Shared, identity: &FederatedIdentity) -> Value {
    let mut state = shared.lock();
    let access_token = token::access_token(state.dialect);
    let mut response = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "scope": identity.scopes.join(" "),
    });
    if state.exchange_has_tags {
        response["tags"] = identity.tags.join(" ").into();
    }
    let token = Token {
        scopes: identity.scopes.clone(),
        tags: identity.tags.clone(),
        expires: after(state.clock.now(), LIFETIME),
        client: Some(identity.id.clone()),
    };
    state.tokens.insert(access_token, token);
    // The console tells the last rejection until the next success.
    state.causes.remove(&identity.id);
    response
}
