//! What is asked of the API, in its order.

mod clients;
mod identities;
mod keys;
mod tokens;

use serde_json::{Value, json};

use crate::{
    Credential, Hidden, Stop,
    api::{KEYS, Request},
    run::Run,
};

pub(crate) const TOKEN: &str = "/api/v2/oauth/token";

/// An id that no key has.
const UNKNOWN: &str = "kTailmint11CNTRL";

pub(crate) fn all(run: &mut Run<'_>) -> Result<(), Stop> {
    run.sign_in()?;
    strangers(run)?;
    tokens::rejected_without_a_client(run)?;
    let Some(client) = clients::create(run)? else {
        // The rest is about what it gives.
        return identities::all(run, None);
    };
    let tokens = tokens::all(run, &client)?;
    // It expires while the rest is done.
    let expires = keys::create_expiring(run, &tokens)?;
    keys::all(run, &tokens)?;
    clients::all(run, &client, &tokens)?;
    identities::all(run, Some(&tokens))?;
    keys::see_expired(run, expires)
}

/// An OAuth client that the run created.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Hidden,
}

/// The access tokens of that client. Where one was not granted, it is none that works.
pub(crate) struct Tokens {
    /// With all of its scopes.
    pub(crate) whole: Hidden,
    /// With `auth_keys` alone.
    pub(crate) auth_keys: Hidden,
    /// With `oauth_keys:read` alone.
    pub(crate) reading: Hidden,
    /// Of the client with two tags.
    pub(crate) two_tags: Option<Hidden>,
    /// The same, narrowed to one.
    pub(crate) one_tag: Option<Hidden>,
}

/// Requests of those who may do nothing.
fn strangers(run: &mut Run<'_>) -> Result<(), Stop> {
    let list = Request::new("GET", KEYS);
    run.see("request-without-authorization", &list)?;
    let unknown = Hidden::new(format!("tskey-api-{UNKNOWN}-{}", "x".repeat(32)));
    run.see("request-with-unknown-token", &list.clone().bearer(&unknown))?;
    let root = run.root.clone();
    let other = format!("/api/v2/tailnet/{}.example/keys", run.prefix);
    let other = Request::new("GET", other).bearer(&root);
    run.see("request-to-another-tailnet", &other)?;
    if let Credential::ApiKey(key) = &run.plan.credential {
        match key.expose().split('-').nth(2).map(str::to_owned) {
            Some(id) => {
                run.know(&id, "id of the API key");
                let own = Request::new("GET", format!("{KEYS}/{id}"));
                run.see_types("get-own-api-key", &own.bearer(&root))?;
            }
            None => run.skip(&["get-own-api-key"], "the API key has no id in it"),
        }
    } else {
        let facts = ["get-own-api-key", "create-key-without-tags-with-api-key"];
        run.skip(&facts, "the credential is an OAuth client");
    }
    Ok(())
}

fn post(token: &Hidden, body: &Value) -> Request {
    Request::new("POST", KEYS).bearer(token).json(body)
}

fn one(method: &'static str, token: &Hidden, id: &str) -> Request {
    Request::new(method, format!("{KEYS}/{id}")).bearer(token)
}

fn list(token: &Hidden, all: bool) -> Request {
    let query = if all { "?all=true" } else { "" };
    Request::new("GET", format!("{KEYS}{query}")).bearer(token)
}

/// The body for an auth key of five minutes.
fn auth_key(run: &Run<'_>, what: &str, tags: &[&str]) -> Value {
    json!({
        "keyType": "auth",
        "description": run.described(what),
        "expirySeconds": 300,
        "capabilities": { "devices": { "create": {
            "reusable": false,
            "ephemeral": true,
            "preauthorized": true,
            "tags": tags,
        } } },
    })
}

/// The same members, with some changed; `null` takes one out.
fn with(mut body: Value, changes: Value) -> Value {
    if let (Some(members), Value::Object(changes)) = (body.as_object_mut(), changes) {
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
    }
    body
}
