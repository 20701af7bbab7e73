use serde_json::{Value, json};

use super::{Client, TOKEN, Tokens, list, one, post, with};
use crate::{
    Stop,
    api::{Request, Response},
    run::Run,
};

/// The body for a client that may create auth keys, and read clients.
fn body(run: &Run<'_>, what: &str, tags: &[&str]) -> Value {
    json!({
        "keyType": "client",
        "description": run.described(what),
        "scopes": ["auth_keys", "oauth_keys:read"],
        "tags": tags,
    })
}

fn client(response: &Response) -> Option<Client> {
    Some(Client {
        id: response.member("id")?.to_owned(),
        secret: response.secret("key")?,
    })
}

/// The client that most of the run is done with.
pub(super) fn create(run: &mut Run<'_>) -> Result<Option<Client>, Stop> {
    let tag = run.plan.tag.clone();
    let (root, body) = (run.root.clone(), body(run, "client", &[&tag]));
    let response = run.create("create-client", &post(&root, &body))?;
    Ok(client(&response))
}

pub(super) fn create_with_two_tags(
    run: &mut Run<'_>,
    second: &str,
) -> Result<Option<Client>, Stop> {
    let tag = run.plan.tag.clone();
    let (root, body) = (run.root.clone(), body(run, "two tags", &[&tag, second]));
    let response = run.create("create-client-with-two-tags", &post(&root, &body))?;
    Ok(client(&response))
}

pub(super) fn all(run: &mut Run<'_>, client: &Client, tokens: &Tokens) -> Result<(), Stop> {
    let root = run.root.clone();
    let tag = run.plan.tag.clone();
    let unknown = format!("tag:{}", run.prefix);
    for (fact, changes) in [
        ("create-client-without-scopes", json!({ "scopes": [] })),
        (
            "create-client-with-unknown-scope",
            json!({ "scopes": ["device"] }),
        ),
        ("create-client-without-tags", json!({ "tags": [] })),
        (
            "create-client-with-unknown-tag",
            json!({ "tags": [unknown] }),
        ),
        (
            "create-client-with-issuer",
            json!({ "issuer": "https://issuer.example.com" }),
        ),
    ] {
        let body = with(body(run, "rejected", &[&tag]), changes);
        run.create(fact, &post(&root, &body))?;
    }
    run.see("get-client", &one("GET", &root, &client.id))?;
    run.see("get-own-client", &one("GET", &tokens.auth_keys, &client.id))?;
    let access_token = tokens.auth_keys.expose().split('-').nth(2);
    match access_token.map(str::to_owned) {
        Some(id) => {
            run.know(&id, "id of the access token");
            let own = one("GET", &tokens.auth_keys, &id);
            run.see("get-own-access-token", &own)?;
        }
        None => run.skip(
            &["get-own-access-token"],
            "the access token has no id in it",
        ),
    }
    change(run, client)?;
    delete(run, tokens)
}

fn change(run: &mut Run<'_>, client: &Client) -> Result<(), Stop> {
    let root = run.root.clone();
    let tag = run.plan.tag.clone();
    let put = |body: &Value| one("PUT", &root, &client.id).json(body);
    let whole = with(body(run, "changed", &[&tag]), json!({ "keyType": null }));
    run.see("put-client", &put(&whole))?;
    let without = with(whole.clone(), json!({ "description": null }));
    run.see("put-client-without-description", &put(&without))?;
    // So that it has its name again, whatever happens now.
    run.unseen(&put(&whole))?;
    let form = [
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.expose()),
    ];
    run.see("token-after-put", &Request::new("POST", TOKEN).form(&form))?;
    Ok(())
}

/// A client with `oauth_keys` alone: what it may do, and what is left of it.
fn delete(run: &mut Run<'_>, tokens: &Tokens) -> Result<(), Stop> {
    let root = run.root.clone();
    let only = json!({ "scopes": ["oauth_keys"], "tags": [] });
    let only = with(body(run, "deleted", &[]), only);
    let created = run.create("create-client-to-be-deleted", &post(&root, &only))?;
    let Some(client) = client(&created) else {
        return Ok(());
    };
    run.see(
        "get-other-client",
        &one("GET", &tokens.auth_keys, &client.id),
    )?;
    let form = [
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.expose()),
    ];
    let form = Request::new("POST", TOKEN).form(&form);
    let token = run.see("token-of-client-to-be-deleted", &form)?;
    let token = token.secret("access_token");
    if let Some(token) = &token {
        let wider = with(
            body(run, "wider", &[]),
            json!({ "scopes": ["dns:read"], "tags": [] }),
        );
        run.create("create-wider-client", &post(token, &wider))?;
    }
    run.see("delete-client", &one("DELETE", &root, &client.id))?;
    if let Some(token) = &token {
        let used = list(token, false);
        let fact = "token-of-deleted-client-at-once";
        run.see_types(fact, &one("GET", token, &client.id))?;
        run.see_end("token-of-deleted-client-later", &used)?;
    }
    run.see("token-from-deleted-client", &form)?;
    run.see("get-deleted-client", &one("GET", &root, &client.id))?;
    run.see(
        "put-deleted-client",
        &one("PUT", &root, &client.id).json(&with(only, json!({ "keyType": null }))),
    )?;
    run.see("delete-deleted-client", &one("DELETE", &root, &client.id))?;
    Ok(())
}
