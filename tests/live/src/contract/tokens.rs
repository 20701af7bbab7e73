use super::{Client, TOKEN, Tokens, UNKNOWN, clients, list};
use crate::{
    Hidden, Stop,
    api::{KEYS, Request},
    run::Run,
};

fn form(members: &[(&str, &str)]) -> Request {
    Request::new("POST", TOKEN).form(members)
}

pub(super) fn rejected_without_a_client(run: &mut Run<'_>) -> Result<(), Stop> {
    run.see("token-without-credentials", &form(&[]))?;
    let malformed = [("client_id", UNKNOWN), ("client_secret", "not-a-secret")];
    run.see("token-with-malformed-secret", &form(&malformed))?;
    Ok(())
}

/// All that the token endpoint does for a client, and its tokens.
pub(super) fn all(run: &mut Run<'_>, client: &Client) -> Result<Tokens, Stop> {
    let secret = client.secret.expose();
    let credentials = [("client_id", client.id.as_str()), ("client_secret", secret)];
    let grant = ("grant_type", "client_credentials");
    let with = |more: &[(&str, &str)]| form(&[&credentials[..], &[grant], more].concat());

    let wrong: String = match secret.rsplit_once('-') {
        Some((before, last)) => format!("{before}-{}", last.chars().rev().collect::<String>()),
        None => secret.chars().rev().collect(),
    };
    let rejected = [credentials[0], ("client_secret", wrong.as_str()), grant];
    run.see("token-with-wrong-secret", &form(&rejected))?;
    let password = [credentials[0], credentials[1], ("grant_type", "password")];
    run.see("token-with-unknown-grant-type", &form(&password))?;

    let whole = run.see("token-from-form", &with(&[]))?;
    let basic = form(&[grant]).basic(&client.id, &client.secret);
    run.see("token-from-basic", &basic)?;
    run.see("token-without-grant-type", &form(&credentials))?;
    let other = [("client_id", UNKNOWN), credentials[1], grant];
    run.see("token-with-another-client-id", &form(&other))?;

    let auth_keys = run.see("token-with-scope", &with(&[("scope", "auth_keys")]))?;
    let reading = [("scope", "oauth_keys:read")];
    let reading = run.see("token-with-other-scope", &with(&reading))?;
    for (fact, scope) in [
        ("token-with-read-of-scope", "auth_keys:read"),
        ("token-with-unknown-scope", "device"),
        ("token-with-unknown-scope-among-others", "device auth_keys"),
        ("token-with-scopes-and-comma", "auth_keys,oauth_keys:read"),
        ("token-with-scope-not-held", "auth_keys services"),
    ] {
        run.see(fact, &with(&[("scope", scope)]))?;
    }
    let scope = ("scope", "auth_keys");
    let tag = run.plan.tag.clone();
    run.see("token-with-tags", &with(&[scope, ("tags", &tag)]))?;
    let tag = format!("tag:{}", run.prefix);
    run.see("token-with-tags-not-held", &with(&[scope, ("tags", &tag)]))?;

    let none = || Hidden::new("none");
    let mut tokens = Tokens {
        whole: whole.secret("access_token").unwrap_or_else(none),
        auth_keys: auth_keys.secret("access_token").unwrap_or_else(none),
        reading: reading.secret("access_token").unwrap_or_else(none),
        two_tags: None,
        one_tag: None,
    };
    of_two_tags(run, &mut tokens)?;
    used(run, client, &tokens)?;
    Ok(tokens)
}

/// A token of a client with two tags, and the same narrowed to one.
fn of_two_tags(run: &mut Run<'_>, tokens: &mut Tokens) -> Result<(), Stop> {
    let Some(second) = run.plan.second_tag.clone() else {
        let facts = [
            "create-client-with-two-tags",
            "token-with-one-of-two-tags",
            "create-key-with-one-of-two-tags",
            "create-key-with-narrowed-token",
        ];
        run.skip(&facts, "no second tag was given");
        return Ok(());
    };
    let Some(client) = clients::create_with_two_tags(run, &second)? else {
        return Ok(());
    };
    let secret = ("client_secret", client.secret.expose());
    let whole = [("client_id", client.id.as_str()), secret];
    let narrowed = [
        whole[0],
        whole[1],
        ("scope", "auth_keys"),
        ("tags", &run.plan.tag),
    ];
    let narrowed = run.see("token-with-one-of-two-tags", &form(&narrowed))?;
    // Its shape was seen with the other client.
    let whole = run.unseen(&form(&whole))?;
    tokens.two_tags = whole.secret("access_token");
    tokens.one_tag = narrowed.secret("access_token");
    Ok(())
}

/// How tokens are sent.
fn used(run: &mut Run<'_>, client: &Client, tokens: &Tokens) -> Result<(), Stop> {
    let nothing = Hidden::new("");
    let basic = Request::new("GET", format!("{KEYS}/{}", client.id));
    let basic = basic.basic(tokens.whole.expose(), &nothing);
    run.see("request-with-basic", &basic)?;
    run.see("request-with-client-secret", &list(&client.secret, false))?;
    for (fact, path) in [
        ("services-without-scope", "services"),
        ("vip-services-without-scope", "vip-services"),
    ] {
        let request = Request::new("GET", format!("/api/v2/tailnet/-/{path}"));
        run.see_types(fact, &request.bearer(&tokens.auth_keys))?;
    }
    Ok(())
}
