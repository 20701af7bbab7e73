use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{describe, federated, require, strict};
use crate::{
    Key, OauthClient,
    clock::{after, rfc3339},
    dialect::{Dialect, random},
    refusal::Refusal,
    state::{State, Token},
};

/// 90 days: the default and the limit.
const MAX_EXPIRY_SECONDS: u64 = 7_776_000;

const MAX_DESCRIPTION_CHARACTERS: usize = 50;

/// The members of a request for a new key of any kind (schema of `createKey` in
/// Tailscale's `OpenAPI` document).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NewKey {
    #[serde(default)]
    key_type: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    capabilities: Option<Capabilities>,
    #[serde(default)]
    expiry_seconds: Option<i64>,
    #[serde(default)]
    pub(super) scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) issuer: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) audience: Option<String>,
    #[serde(default)]
    pub(super) custom_claim_rules: Option<BTreeMap<String, String>>,
}

impl NewKey {
    /// A member that it has and that belongs to federated identities alone.
    fn federated_member(&self) -> Option<&'static str> {
        let members = [
            ("issuer", self.issuer.is_some()),
            ("subject", self.subject.is_some()),
            ("audience", self.audience.is_some()),
            ("customClaimRules", self.custom_claim_rules.is_some()),
        ];
        let found = members.iter().find(|(_, is_there)| *is_there);
        found.map(|(name, _)| *name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capabilities {
    devices: Devices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Devices {
    #[serde(default)]
    create: Create,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    reusable: Option<bool>,
    ephemeral: Option<bool>,
    preauthorized: Option<bool>,
    tags: Option<Vec<String>>,
}

/// Creates a key of any kind.
pub(crate) fn create(state: &mut State, token: &Token, body: &[u8]) -> Result<Value, Refusal> {
    let dialect = state.dialect;
    let new: NewKey = strict(dialect, body)?;
    check_description(dialect, new.description.as_deref().unwrap_or_default())?;
    let is_federated = new.key_type.as_deref() == Some("federated");
    if !is_federated && let Some(member) = new.federated_member() {
        return Err(federated::only_applies(dialect, member));
    }
    match new.key_type.as_deref() {
        None | Some("" | "auth") => create_auth_key(state, token, new),
        Some("client") => create_client(state, token, new),
        // Headscale has none.
        Some("federated") if dialect == Dialect::Tailscale => federated::create(state, token, new),
        Some(other) => Err(bad(dialect, &format!("invalid keyType \"{other}\""))),
    }
}

fn create_auth_key(state: &mut State, token: &Token, new: NewKey) -> Result<Value, Refusal> {
    let dialect = state.dialect;
    require(dialect, token, "auth_keys")?;
    let Some(capabilities) = new.capabilities else {
        return Err(bad(dialect, "capabilities is required"));
    };
    let create = capabilities.devices.create;
    if dialect == Dialect::Headscale {
        for (name, value) in [
            ("reusable", create.reusable),
            ("ephemeral", create.ephemeral),
            ("preauthorized", create.preauthorized),
        ] {
            if value.is_none() {
                return Err(Refusal::validation(&format!("{name} is required")));
            }
        }
    }
    let expiry_seconds = match new.expiry_seconds.unwrap_or_default() {
        0 => MAX_EXPIRY_SECONDS,
        seconds => u64::try_from(seconds)
            .map_err(|_| bad(dialect, "expirySeconds must not be negative"))?,
    };
    if dialect == Dialect::Tailscale && expiry_seconds > MAX_EXPIRY_SECONDS {
        return Err(bad(
            dialect,
            "expirySeconds must be less than or equal to 7776000",
        ));
    }
    let tags = create.tags.unwrap_or_default();
    check_tags(state, token, &tags)?;
    let now = state.clock.now();
    let id = match dialect {
        Dialect::Headscale => (state.keys.len() + 1).to_string(),
        Dialect::Tailscale => dialect.id(),
    };
    let key = Key {
        key: match dialect {
            Dialect::Headscale => format!("hskey-auth-{}-{}", random(12), random(64)),
            Dialect::Tailscale => format!("tskey-auth-{id}-{}", random(32)),
        },
        id,
        description: new.description.unwrap_or_default(),
        reusable: create.reusable.unwrap_or_default(),
        ephemeral: create.ephemeral.unwrap_or_default(),
        preauthorized: create.preauthorized.unwrap_or_default() || dialect == Dialect::Headscale,
        tags,
        expiry_seconds,
        revoked: false,
        uses: 0,
        created: now,
        expires: after(now, Duration::from_secs(expiry_seconds)),
    };
    let described = key.describe(now, true);
    state.keys.push(key);
    Ok(described)
}

fn create_client(state: &mut State, token: &Token, new: NewKey) -> Result<Value, Refusal> {
    let dialect = state.dialect;
    require(dialect, token, "oauth_keys")?;
    let scopes = new.scopes.unwrap_or_default();
    let tags = new.tags.unwrap_or_default();
    check_client(state, &scopes, &tags)?;
    let mut client = OauthClient::of(dialect, &new.description.unwrap_or_default(), scopes, tags);
    client.created = rfc3339(state.clock.now());
    let described = describe(&client, true);
    state.clients.push(client);
    Ok(described)
}

pub(super) fn check_client(
    state: &State,
    scopes: &[String],
    tags: &[String],
) -> Result<(), Refusal> {
    let dialect = state.dialect;
    if scopes.is_empty() {
        return Err(bad(dialect, "at least one scope is required"));
    }
    if let Some(unknown) = scopes.iter().find(|scope| !crate::scope::exists(scope)) {
        return Err(bad(dialect, &format!("invalid scope \"{unknown}\"")));
    }
    let wants_tags = |scope: &String| scope == "devices:core" || scope == "auth_keys";
    if tags.is_empty() && scopes.iter().any(wants_tags) {
        return Err(bad(dialect, "tags are required for these scopes"));
    }
    if !tags.iter().all(|tag| state.tags.contains(tag)) {
        return Err(tags_refused(dialect, tags));
    }
    Ok(())
}

/// What can be tagged with the token: exactly its own tags, or tags that those
/// own. Headscale takes a part of them as well.
fn check_tags(state: &State, token: &Token, asked: &[String]) -> Result<(), Refusal> {
    let refused = Err(tags_refused(state.dialect, asked));
    if !asked.iter().all(|tag| state.tags.contains(tag)) {
        return refused;
    }
    if token.client.is_none() {
        return Ok(());
    }
    if asked.is_empty() {
        return refused;
    }
    let owns = |tag: &String| {
        state
            .tag_owners
            .iter()
            .any(|(owner, owned)| owned == tag && token.tags.contains(owner))
    };
    let set = |tags: &[String]| tags.iter().cloned().collect::<BTreeSet<_>>();
    let fits = match state.dialect {
        Dialect::Tailscale => set(asked) == set(&token.tags) || asked.iter().all(owns),
        Dialect::Headscale => asked
            .iter()
            .all(|tag| token.tags.contains(tag) || owns(tag)),
    };
    if fits { Ok(()) } else { refused }
}

fn tags_refused(dialect: Dialect, tags: &[String]) -> Refusal {
    match dialect {
        Dialect::Headscale => Refusal::message(
            dialect,
            StatusCode::FORBIDDEN,
            &format!(
                "token may not assign tag {}",
                tags.first().map_or("", String::as_str)
            ),
        ),
        Dialect::Tailscale => bad(
            dialect,
            &format!(
                "requested tags [{}] are invalid or not permitted",
                tags.join(" ")
            ),
        ),
    }
}

pub(super) fn check_description(dialect: Dialect, description: &str) -> Result<(), Refusal> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_ ".contains(character);
    if description.chars().count() > MAX_DESCRIPTION_CHARACTERS || !description.chars().all(plain) {
        return Err(bad(
            dialect,
            "description must be at most 50 alphanumeric characters, hyphens or spaces",
        ));
    }
    Ok(())
}

pub(super) fn bad(dialect: Dialect, message: &str) -> Refusal {
    Refusal::message(dialect, StatusCode::BAD_REQUEST, message)
}
