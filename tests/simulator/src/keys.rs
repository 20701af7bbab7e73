//! `/api/v2/tailnet/{tailnet}/keys` and `/keys/{id}`.

mod create;
mod federated;

pub(crate) use create::create;

use std::time::Duration;

use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    FederatedIdentity, OauthClient,
    clock::{after, rfc3339},
    dialect::Dialect,
    refusal::Refusal,
    scope,
    state::{State, Token},
};

/// What the API key still has, each time that it is asked about.
const API_KEY_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// All keys that the token may see. Without `all`, a token of an OAuth client
/// sees OAuth clients only, and one of a federated identity sees those only.
pub(crate) fn list(state: &State, token: &Token, all: bool) -> Result<Value, Refusal> {
    let now = state.clock.now();
    let auth = scope::allow_keys(&token.scopes, "auth_keys:read");
    let clients = scope::allow_keys(&token.scopes, "oauth_keys:read");
    let identities = scope::allow_keys(&token.scopes, "federated_keys:read");
    if !auth && !clients && !identities {
        return Err(forbidden(state.dialect, "auth_keys:read"));
    }
    let mut keys = Vec::new();
    if auth && (all || token.client.is_none()) {
        keys.extend(state.keys.iter().map(|key| key.describe(now, false)));
    }
    let federated = token.client.as_deref().map(|id| state.is_identity(id));
    if clients && (all || federated != Some(true)) {
        keys.extend(state.clients.iter().map(|client| describe(client, false)));
    }
    if identities && (all || federated != Some(false)) {
        let live = state.identities.iter().filter(|it| it.is_live());
        keys.extend(live.map(FederatedIdentity::describe));
    }
    Ok(json!({ "keys": keys }))
}

/// One key of any kind.
pub(crate) fn get(state: &State, token: &Token, id: &str) -> Result<Value, Refusal> {
    let now = state.clock.now();
    if let Some(key) = state.keys.iter().find(|key| key.id == id) {
        require(state.dialect, token, "auth_keys:read")?;
        return Ok(key.describe(now, false));
    }
    if state.api_key.split('-').nth(2) == Some(id) {
        require(state.dialect, token, "api_access_tokens:read")?;
        return Ok(json!({
            "id": id,
            "keyType": "api",
            "description": "",
            "created": rfc3339(now),
            "expires": rfc3339(after(now, API_KEY_LIFETIME)),
            "expirySeconds": API_KEY_LIFETIME.as_secs(),
            "scopes": ["all"],
            "userId": "",
            "invalid": false,
        }));
    }
    if let Some(client) = state.clients.iter().find(|client| client.id == id) {
        // Every token may read the client that it was given to.
        if token.client.as_deref() != Some(id) {
            require(state.dialect, token, "oauth_keys:read")?;
        }
        return Ok(describe(client, false));
    }
    if let Some(identity) = state.identities.iter().find(|it| it.id == id) {
        // Every token may read the identity that it was given to, likewise.
        if token.client.as_deref() != Some(id) {
            require(state.dialect, token, "federated_keys:read")?;
        }
        return Ok(identity.describe());
    }
    Err(not_found(state.dialect))
}

/// Revokes a key of any kind. The body of the response is empty, Headscale's is `{}`.
pub(crate) fn delete(state: &mut State, token: &Token, id: &str) -> Result<Option<Value>, Refusal> {
    let dialect = state.dialect;
    if let Some(key) = state.keys.iter_mut().find(|key| key.id == id) {
        require(dialect, token, "auth_keys")?;
        key.revoked = true;
    } else if let Some(client) = state
        .clients
        .iter_mut()
        .find(|client| client.id == id && !client.revoked)
    {
        require(dialect, token, "oauth_keys")?;
        client.revoked = true;
    } else if let Some(index) = state.live_identity(id) {
        require(dialect, token, "federated_keys")?;
        state.identities[index].revoked = Some(rfc3339(state.clock.now()));
    } else {
        return Err(not_found(dialect));
    }
    Ok(match dialect {
        Dialect::Headscale => Some(json!({})),
        Dialect::Tailscale => None,
    })
}

/// Replaces an OAuth client, all of it but its secret, or a federated identity, all of it but
/// its id.
pub(crate) fn replace(
    state: &mut State,
    token: &Token,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Replacement {
        #[serde(default, rename = "keyType")]
        _key_type: Option<String>,
        #[serde(default)]
        description: String,
        #[serde(default)]
        scopes: Vec<String>,
        #[serde(default)]
        tags: Vec<String>,
    }
    let dialect = state.dialect;
    if let Some(index) = state.live_identity(id) {
        return federated::replace(state, token, index, body);
    }
    let Some(index) = state
        .clients
        .iter()
        .position(|client| client.id == id && !client.revoked)
    else {
        return Err(not_found(dialect));
    };
    require(dialect, token, "oauth_keys")?;
    let replacement: Replacement = strict(dialect, body)?;
    create::check_client(state, &replacement.scopes, &replacement.tags)?;
    create::check_description(dialect, &replacement.description)?;
    let client = &mut state.clients[index];
    client.description = replacement.description;
    client.scopes = replacement.scopes;
    client.tags = replacement.tags;
    Ok(describe(client, false))
}

/// The client as the API describes it: its secret only where it is new.
fn describe(client: &OauthClient, new: bool) -> Value {
    let mut described = json!({
        "id": client.id,
        "keyType": "client",
        "description": client.description,
        "created": client.created,
        "updated": client.created,
        "scopes": client.scopes,
        "tags": client.tags,
        "userId": "",
        "invalid": client.revoked,
    });
    if new {
        described["key"] = client.secret.as_str().into();
    }
    described
}

/// Reads JSON as the service does: what it does not know, it refuses by name.
fn strict<T: serde::de::DeserializeOwned>(dialect: Dialect, body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let unknown = text
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split('`').next());
        let detail = match unknown {
            Some(member) => format!("json: unknown field \"{member}\""),
            None => format!("json: {text}"),
        };
        match dialect {
            Dialect::Headscale => Refusal::validation(&detail),
            Dialect::Tailscale => Refusal::message(dialect, StatusCode::BAD_REQUEST, &detail),
        }
    })
}

fn require(dialect: Dialect, token: &Token, scope: &str) -> Result<(), Refusal> {
    if scope::allow_keys(&token.scopes, scope) {
        return Ok(());
    }
    Err(forbidden(dialect, scope))
}

fn forbidden(dialect: Dialect, scope: &str) -> Refusal {
    let message = match dialect {
        Dialect::Headscale => format!("token is missing the required scope {scope}"),
        Dialect::Tailscale => {
            "calling actor does not have enough permissions to perform this function".to_owned()
        }
    };
    Refusal::message(dialect, StatusCode::FORBIDDEN, &message)
}

pub(crate) fn not_found(dialect: Dialect) -> Refusal {
    Refusal::message(dialect, StatusCode::NOT_FOUND, "not found")
}

/// The host and the port of a URL, as the table of hosts has them.
pub(crate) fn host_and_port(url: &Uri) -> String {
    let host = url.host().unwrap_or_default().to_lowercase();
    format!("{host}:{}", url.port_u16().unwrap_or(443))
}
