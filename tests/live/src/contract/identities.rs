use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Tokens, auth_key, list, one, post, with};
use crate::{Hidden, Stop, api::Request, run::Run};

/// Whose tokens the identities are for that no token is given for. It is reached by the
/// service, and signs no subject of the form that they have.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn body(run: &Run<'_>, what: &str) -> Value {
    json!({
        "keyType": "federated",
        "description": run.described(what),
        "scopes": ["auth_keys"],
        "tags": [run.plan.tag],
        "issuer": ISSUER,
        "subject": format!("{} has no subject", run.prefix),
    })
}

fn exchange(members: &[(&str, &str)]) -> Request {
    Request::new("POST", "/api/v2/oauth/token-exchange").form(members)
}

pub(super) fn all(run: &mut Run<'_>, tokens: Option<&Tokens>) -> Result<(), Stop> {
    run.see("exchange-without-members", &exchange(&[]))?;
    let empty = [("client_id", ""), ("jwt", "")];
    run.see("exchange-with-empty-members", &exchange(&empty))?;
    rejected(run, tokens)?;
    let root = run.root.clone();
    let kept = json!({
        "audience": format!("{}-audience", run.prefix),
        "customClaimRules": { "ref": "refs/heads/main" },
    });
    let kept = with(body(run, "audience"), kept);
    let response = run.create("create-identity-with-audience", &post(&root, &kept))?;
    if let Some(id) = response.member("id").map(str::to_owned) {
        let plain = with(body(run, "changed"), json!({ "keyType": null }));
        run.see("put-identity", &one("PUT", &root, &id).json(&plain))?;
    }
    let mut empty = with(body(run, "empty"), json!({ "audience": "" }));
    empty["customClaimRules"] = Value::Null;
    run.create("create-identity-with-empty-members", &post(&root, &empty))?;
    let response = run.create("create-identity", &post(&root, &body(run, "identity")))?;
    if let Some(id) = response.member("id").map(str::to_owned) {
        run.see("get-identity", &one("GET", &root, &id))?;
        exchanges(run, &id)?;
        run.see("delete-identity", &one("DELETE", &root, &id))?;
        run.see("get-deleted-identity", &one("GET", &root, &id))?;
        let plain = with(body(run, "changed"), json!({ "keyType": null }));
        run.see("put-deleted-identity", &one("PUT", &root, &id).json(&plain))?;
        let jwt = jwt(run, "RS256");
        let members = [("client_id", id.as_str()), ("jwt", &jwt)];
        run.see("exchange-with-deleted-client-id", &exchange(&members))?;
    }
    with_token(run)
}

fn rejected(run: &mut Run<'_>, tokens: Option<&Tokens>) -> Result<(), Stop> {
    let root = run.root.clone();
    for (fact, changes) in [
        ("create-identity-without-issuer", json!({ "issuer": null })),
        (
            "create-identity-without-subject",
            json!({ "subject": null }),
        ),
        ("create-identity-without-scopes", json!({ "scopes": [] })),
        ("create-identity-without-tags", json!({ "tags": [] })),
        (
            "create-identity-with-http-issuer",
            json!({ "issuer": "http://issuer.example.com" }),
        ),
        (
            "create-identity-with-private-issuer",
            json!({ "issuer": "https://127.0.0.1" }),
        ),
        (
            "create-identity-with-reserved-rule",
            json!({ "customClaimRules": { "sub": "x" } }),
        ),
    ] {
        let body = with(body(run, "rejected"), changes);
        run.create(fact, &post(&root, &body))?;
    }
    if let Some(tokens) = tokens {
        let body = body(run, "rejected");
        run.create("create-identity-without-scope", &post(&tokens.whole, &body))?;
    }
    Ok(())
}

/// A token that nobody signed, for an identity of the run.
fn jwt(run: &Run<'_>, algorithm: &str) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(json!({
        "iss": ISSUER,
        "sub": format!("{} has no subject", run.prefix),
        "aud": run.prefix,
        "exp": 4_102_444_800_u64,
    }));
    let header = part(json!({ "alg": algorithm, "kid": run.prefix, "typ": "JWT" }));
    let signature = match algorithm {
        "none" => String::new(),
        _ => BASE64_URL_SAFE_NO_PAD.encode([7; 256]),
    };
    format!("{header}.{claims}.{signature}")
}

/// What of an exchange is seen without an identity token.
fn exchanges(run: &mut Run<'_>, id: &str) -> Result<(), Stop> {
    let (unknown_key, unsigned) = (jwt(run, "RS256"), jwt(run, "none"));
    let tailnet = id.split('-').next().unwrap_or_default();
    let unknown = format!("{tailnet}-kTailmint11CNTRL");
    for (fact, members) in [
        (
            "exchange-without-client-id",
            vec![("jwt", unknown_key.as_str())],
        ),
        ("exchange-without-jwt", vec![("client_id", id)]),
        (
            "exchange-with-garbage",
            vec![("client_id", id), ("jwt", "garbage")],
        ),
        (
            "exchange-without-signature",
            vec![("client_id", id), ("jwt", &unsigned)],
        ),
        (
            "exchange-with-unknown-key",
            vec![("client_id", id), ("jwt", &unknown_key)],
        ),
        (
            "exchange-with-unknown-client-id",
            vec![("client_id", &unknown), ("jwt", &unknown_key)],
        ),
        (
            "exchange-with-malformed-client-id",
            vec![("client_id", "x"), ("jwt", &unknown_key)],
        ),
    ] {
        run.see(fact, &exchange(&members))?;
    }
    Ok(())
}

/// The claims that an identity is created from.
fn claims(jwt: &Hidden) -> Option<(String, String, String)> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(jwt.expose().split('.').nth(1)?);
    let claims: Value = serde_json::from_slice(&claims.ok()?).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let audience = text(&claims["aud"]).or_else(|| text(&claims["aud"][0]));
    Some((text(&claims["iss"])?, text(&claims["sub"])?, audience?))
}

const WITH_TOKEN: [&str; 10] = [
    "create-identity-for-token",
    "exchange",
    "exchange-again",
    "exchange-with-scope",
    "exchange-with-expired-token",
    "exchange-with-wrong-audience",
    "get-own-identity",
    "create-key-with-identity",
    "list-keys-with-identity",
    "token-of-deleted-identity-later",
];

/// What is seen with an identity token alone.
fn with_token(run: &mut Run<'_>) -> Result<(), Stop> {
    let Some(jwt) = &run.plan.id_token else {
        run.skip(&WITH_TOKEN, "no identity token was given");
        return Ok(());
    };
    let Some((issuer, subject, audience)) = claims(jwt) else {
        run.skip(
            &WITH_TOKEN,
            "the identity token has no issuer, subject or audience",
        );
        return Ok(());
    };
    run.know(&issuer, "issuer");
    run.know(&subject, "subject");
    run.know(&audience, "audience");
    let root = run.root.clone();
    let right = json!({ "issuer": issuer, "subject": subject, "audience": audience });
    let right = with(body(run, "token"), right);
    let created = run.create("create-identity-for-token", &post(&root, &right))?;
    let Some(id) = created.member("id").map(str::to_owned) else {
        return Ok(());
    };
    let members = [("client_id", id.as_str()), ("jwt", jwt.expose())];
    let response = run.see("exchange", &exchange(&members))?;
    run.see("exchange-again", &exchange(&members))?;
    let scoped = [members[0], members[1], ("scope", "auth_keys:read")];
    run.see("exchange-with-scope", &exchange(&scoped))?;
    match &run.plan.expired_id_token {
        None => run.skip(
            &["exchange-with-expired-token"],
            "no expired identity token was given",
        ),
        Some(expired) => {
            let members = [members[0], ("jwt", expired.expose())];
            run.see("exchange-with-expired-token", &exchange(&members))?;
        }
    }
    let Some(token) = response.secret("access_token") else {
        return Ok(());
    };
    run.see("get-own-identity", &one("GET", &token, &id))?;
    let tag = run.plan.tag.clone();
    let key = auth_key(run, "with identity", &[&tag]);
    run.create("create-key-with-identity", &post(&token, &key))?;
    run.see_list("list-keys-with-identity", &list(&token, false), &id)?;
    let other = format!("{}-other", run.prefix);
    let other = with(right, json!({ "keyType": null, "audience": other }));
    run.unseen(&one("PUT", &root, &id).json(&other))?;
    run.see("exchange-with-wrong-audience", &exchange(&members))?;
    run.unseen(&one("DELETE", &root, &id))?;
    run.see_end("token-of-deleted-identity-later", &list(&token, false))
}
