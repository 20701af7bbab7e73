use std::time::{Duration, Instant};

use serde_json::json;

use super::{Tokens, UNKNOWN, auth_key, list, one, post, with};
use crate::{Credential, Stop, run::Run};

/// A key of one second, and when it was created.
pub(super) fn create_expiring(
    run: &mut Run<'_>,
    tokens: &Tokens,
) -> Result<Option<(String, Instant)>, Stop> {
    let tag = run.plan.tag.clone();
    let body = with(
        auth_key(run, "expiry", &[&tag]),
        json!({ "expirySeconds": 1 }),
    );
    let request = post(&tokens.auth_keys, &body);
    let response = run.create("create-key-with-expiry-1", &request)?;
    let id = response.member("id").map(str::to_owned);
    Ok(id.map(|id| (id, Instant::now())))
}

pub(super) fn see_expired(
    run: &mut Run<'_>,
    expiring: Option<(String, Instant)>,
) -> Result<(), Stop> {
    let Some((id, created)) = expiring else {
        return Ok(());
    };
    // A second to expire, and as much for times that are rounded.
    let left = Duration::from_secs(2).saturating_sub(created.elapsed());
    run.wait(left)?;
    let root = run.root.clone();
    run.see("get-expired-key", &one("GET", &root, &id))?;
    Ok(())
}

pub(super) fn all(run: &mut Run<'_>, tokens: &Tokens) -> Result<(), Stop> {
    let token = &tokens.auth_keys;
    let tag = run.plan.tag.clone();
    let body = |run: &Run<'_>| auth_key(run, "key", &[&tag]);
    let response = run.create("create-key", &post(token, &body(run)))?;
    let key = response.member("id").map(str::to_owned);

    for (fact, changes) in [
        (
            "create-key-without-expiry",
            json!({ "expirySeconds": null }),
        ),
        ("create-key-with-expiry-0", json!({ "expirySeconds": 0 })),
        (
            "create-key-with-negative-expiry",
            json!({ "expirySeconds": -1 }),
        ),
        (
            "create-key-with-expiry-too-long",
            json!({ "expirySeconds": 7_776_001 }),
        ),
        (
            "create-key-without-capabilities",
            json!({ "capabilities": null }),
        ),
        (
            "create-key-with-unknown-member",
            json!({ "unknownMember": true }),
        ),
        (
            "create-key-with-unknown-type",
            json!({ "keyType": "unknown" }),
        ),
        (
            "create-key-with-issuer",
            json!({ "issuer": "https://issuer.example.com" }),
        ),
    ] {
        let body = with(body(run), changes);
        run.create(fact, &post(token, &body))?;
    }
    let mut unknown = body(run);
    unknown["capabilities"]["devices"]["create"]["unknownMember"] = true.into();
    run.create("create-key-with-unknown-capability", &post(token, &unknown))?;
    let malformed = post(token, &json!({})).text("{");
    run.create("create-key-with-malformed-json", &malformed)?;
    descriptions(run, tokens)?;
    tags(run, tokens)?;
    run.create(
        "create-key-without-scope",
        &post(&tokens.reading, &body(run)),
    )?;

    run.see("get-unknown-key", &one("GET", token, UNKNOWN))?;
    run.see("delete-unknown-key", &one("DELETE", token, UNKNOWN))?;
    let Some(key) = key else { return Ok(()) };
    lists(run, tokens, &key)?;
    run.see("get-key", &one("GET", token, &key))?;
    run.see("get-key-without-scope", &one("GET", &tokens.reading, &key))?;
    let change = json!({ "description": run.described("changed") });
    run.see("put-key", &one("PUT", token, &key).json(&change))?;
    run.see("delete-key", &one("DELETE", token, &key))?;
    run.see("get-deleted-key", &one("GET", token, &key))?;
    run.see_list("list-all-keys-after-deletion", &list(token, true), &key)?;
    run.see("delete-deleted-key", &one("DELETE", token, &key))?;
    Ok(())
}

fn lists(run: &mut Run<'_>, tokens: &Tokens, key: &str) -> Result<(), Stop> {
    let root = run.root.clone();
    for (fact, token, all) in [
        ("list-keys", &tokens.auth_keys, false),
        ("list-all-keys", &tokens.auth_keys, true),
        ("list-keys-with-the-credential", &root, false),
        ("list-all-keys-with-the-credential", &root, true),
    ] {
        run.see_list(fact, &list(token, all), key)?;
    }
    Ok(())
}

fn descriptions(run: &mut Run<'_>, tokens: &Tokens) -> Result<(), Stop> {
    let long = |count: usize| run.described(&"x".repeat(count - run.prefix.len() - 1));
    let descriptions = [
        ("create-key-with-description-of-50", long(50)),
        ("create-key-with-description-of-51", long(51)),
        ("create-key-with-underscore", run.described("a_b")),
        ("create-key-with-period", run.described("a.b")),
        ("create-key-with-accent", run.described("\u{e9}")),
    ];
    let tag = run.plan.tag.clone();
    for (fact, description) in descriptions {
        let body = auth_key(run, "description", &[&tag]);
        let body = with(body, json!({ "description": description }));
        run.create(fact, &post(&tokens.auth_keys, &body))?;
    }
    Ok(())
}

fn tags(run: &mut Run<'_>, tokens: &Tokens) -> Result<(), Stop> {
    let tag = run.plan.tag.clone();
    let unknown = format!("tag:{}", run.prefix);
    let body = auth_key(run, "tags", &[&unknown]);
    run.create(
        "create-key-with-unknown-tag",
        &post(&tokens.auth_keys, &body),
    )?;
    let untagged = auth_key(run, "tags", &[]);
    run.create(
        "create-key-without-tags",
        &post(&tokens.auth_keys, &untagged),
    )?;
    if let Credential::ApiKey(key) = &run.plan.credential {
        let fact = "create-key-without-tags-with-api-key";
        run.create(fact, &post(key, &untagged))?;
    }
    let tagged = auth_key(run, "tags", &[&tag]);
    if let Some(token) = &tokens.two_tags {
        let fact = "create-key-with-one-of-two-tags";
        run.create(fact, &post(token, &tagged))?;
    }
    if let Some(token) = &tokens.one_tag {
        let fact = "create-key-with-narrowed-token";
        run.create(fact, &post(token, &tagged))?;
    }
    Ok(())
}
