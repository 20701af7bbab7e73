//! Keys of the type `federated`.

use std::{collections::BTreeMap, net::IpAddr};

use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;

use super::{
    create::{NewKey, bad, check_client, check_description},
    require, strict,
};
use crate::{
    FederatedIdentity,
    clock::rfc3339,
    dialect::{Dialect, federated_id},
    exchange::claim_name,
    federated_identity::default_audience,
    refusal::Refusal,
    state::{State, Token},
};

/// The claims that have members of their own, or are the issuer's.
const RESERVED: [&str; 3] = ["aud", "iss", "sub"];

/// The user whose API key the simulator has.
const USER: &str = "u1CNTRL";

/// What is said of an identity, on creation and on replacement.
struct Said {
    description: String,
    scopes: Vec<String>,
    tags: Vec<String>,
    issuer: String,
    subject: String,
    audience: String,
    custom_claim_rules: BTreeMap<String, String>,
}

pub(super) fn create(state: &mut State, token: &Token, new: NewKey) -> Result<Value, Refusal> {
    require(state.dialect, token, "federated_keys")?;
    let said = Said {
        description: new.description.unwrap_or_default(),
        scopes: new.scopes.unwrap_or_default(),
        tags: new.tags.unwrap_or_default(),
        issuer: new.issuer.unwrap_or_default(),
        subject: new.subject.unwrap_or_default(),
        audience: new.audience.unwrap_or_default(),
        custom_claim_rules: new.custom_claim_rules.unwrap_or_default(),
    };
    check(state, &said)?;
    let id = federated_id();
    let now = rfc3339(state.clock.now());
    let identity = FederatedIdentity {
        description: said.description,
        scopes: said.scopes,
        tags: said.tags,
        issuer: said.issuer,
        subject: said.subject,
        audience: audience(said.audience, &id),
        custom_claim_rules: said.custom_claim_rules,
        created: now.clone(),
        updated: now,
        revoked: None,
        user: match token.client {
            None => USER.to_owned(),
            Some(_) => String::new(),
        },
        id,
    };
    let described = identity.describe();
    state.identities.push(identity);
    Ok(described)
}

/// Replaces the identity at the index, all of it but its id: what is left out is gone.
pub(super) fn replace(
    state: &mut State,
    token: &Token,
    index: usize,
    body: &[u8],
) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Replacement {
        #[serde(default)]
        key_type: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        scopes: Option<Vec<String>>,
        #[serde(default)]
        tags: Option<Vec<String>>,
        #[serde(default)]
        issuer: Option<String>,
        #[serde(default)]
        subject: Option<String>,
        #[serde(default)]
        audience: Option<String>,
        #[serde(default)]
        custom_claim_rules: Option<BTreeMap<String, String>>,
    }
    let dialect = state.dialect;
    require(dialect, token, "federated_keys")?;
    let new: Replacement = strict(dialect, body)?;
    if let Some(other) = new.key_type
        && other != "federated"
    {
        return Err(bad(dialect, &format!("invalid keyType \"{other}\"")));
    }
    let said = Said {
        description: new.description.unwrap_or_default(),
        scopes: new.scopes.unwrap_or_default(),
        tags: new.tags.unwrap_or_default(),
        issuer: new.issuer.unwrap_or_default(),
        subject: new.subject.unwrap_or_default(),
        audience: new.audience.unwrap_or_default(),
        custom_claim_rules: new.custom_claim_rules.unwrap_or_default(),
    };
    check_description(dialect, &said.description)?;
    check(state, &said)?;
    let now = rfc3339(state.clock.now());
    let identity = &mut state.identities[index];
    identity.description = said.description;
    identity.scopes = said.scopes;
    identity.tags = said.tags;
    identity.issuer = said.issuer;
    identity.subject = said.subject;
    identity.audience = audience(said.audience, &identity.id);
    identity.custom_claim_rules = said.custom_claim_rules;
    identity.updated = now;
    Ok(identity.describe())
}

fn audience(said: String, id: &str) -> String {
    if said.is_empty() {
        default_audience(id)
    } else {
        said
    }
}

fn check(state: &State, said: &Said) -> Result<(), Refusal> {
    let dialect = state.dialect;
    check_client(state, &said.scopes, &said.tags)?;
    if said.issuer.is_empty() {
        return Err(bad(dialect, "issuer is required"));
    }
    if let Err(why) = check_issuer(state, &said.issuer) {
        return Err(bad(dialect, &format!("invalid issuer: {why}")));
    }
    if said.subject.is_empty() {
        return Err(bad(dialect, "subject is required"));
    }
    for name in said.custom_claim_rules.keys() {
        if RESERVED.contains(&name.as_str()) {
            return Err(bad(dialect, &format!("claim \"{name}\" is reserved")));
        }
        if claim_name::parse(name).is_none() {
            return Err(bad(dialect, &format!("invalid claim name \"{name}\"")));
        }
    }
    Ok(())
}

/// An issuer has to be an `https` URL that looks like one that the service reaches. The
/// simulator's own are reached wherever they are.
fn check_issuer(state: &State, issuer: &str) -> Result<(), &'static str> {
    let url: Uri = issuer.parse().map_err(|_| "not a URL")?;
    if url.scheme_str() != Some("https") {
        return Err("must be an https:// URL");
    }
    let authority = url.authority().ok_or("must have a host")?;
    if authority.as_str().contains('@') || url.query().is_some() || issuer.contains('#') {
        return Err("must have no user, no query and no fragment");
    }
    if state.hosts.contains_key(&super::host_and_port(&url)) {
        return Ok(());
    }
    let host = authority.host().trim_matches(['[', ']']).to_lowercase();
    let is_public = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified())
        }
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_unspecified())
        }
        Err(_) => {
            let private = [".internal", ".local", ".localhost"];
            host.contains('.') && !private.iter().any(|suffix| host.ends_with(suffix))
        }
    };
    if is_public {
        Ok(())
    } else {
        Err("must be publicly reachable")
    }
}

pub(super) fn only_applies(dialect: Dialect, member: &str) -> Refusal {
    Refusal::message(
        dialect,
        StatusCode::BAD_REQUEST,
        &format!("{member} only applies to federated identities"),
    )
}
