//! Keys of the type `federated`.

use std::time::Duration;

use serde_json::{Value, json};
use tailmint_simulator::{FederatedIdentity, Issuer, OauthClient, Setup};

use crate::api::{Api, SUBJECT};

/// What a new identity is asked for with.
fn new_identity() -> Value {
    json!({
        "keyType": "federated",
        "description": "ci",
        "scopes": ["auth_keys"],
        "tags": ["tag:ci"],
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:acme/web:*",
        "customClaimRules": { "repository_id": "5678" },
    })
}

fn api() -> Api {
    Api::with(&Setup {
        tags: vec!["tag:ci".to_owned(), "tag:other".to_owned()],
        ..Setup::default()
    })
}

#[test]
fn one_is_created_read_listed_replaced_and_deleted() {
    let api = api();
    let (status, created) = api.as_owner("POST", "keys", &new_identity());
    assert_eq!(status, 200, "{created}");
    let id = created["id"].as_str().unwrap();
    let (tailnet, key) = id.split_once('-').unwrap();
    assert!(tailnet.starts_with('T') && tailnet.ends_with("CNTRL"));
    assert!(key.starts_with('k') && key.ends_with("CNTRL") && !key.contains('-'));
    let mut expected = new_identity();
    expected["id"] = id.into();
    expected["audience"] = format!("api.tailscale.com/{id}").into();
    expected["userId"] = "u1CNTRL".into();
    expected["invalid"] = false.into();
    expected["created"] = created["created"].clone();
    expected["updated"] = created["created"].clone();
    assert_eq!(created, expected);

    let path = format!("keys/{id}");
    assert_eq!(
        api.as_owner("GET", &path, &Value::Null),
        (200, created.clone())
    );
    let (_, listed) = api.as_owner("GET", "keys?all=true", &Value::Null);
    assert!(listed["keys"].as_array().unwrap().contains(&created));
    assert_eq!(api.simulator.identities().len(), 1);

    // What is left out is gone.
    api.simulator.advance(Duration::from_mins(1));
    let replacement = json!({
        "keyType": "federated",
        "scopes": ["devices:core"],
        "tags": ["tag:other"],
        "issuer": "https://issuer.example.com/a",
        "subject": "x",
        "audience": "here",
    });
    let (status, replaced) = api.as_owner("PUT", &path, &replacement);
    assert_eq!(status, 200, "{replaced}");
    let mut expected = replacement;
    expected["id"] = id.into();
    expected["description"] = "".into();
    expected["customClaimRules"] = json!({});
    expected["userId"] = "u1CNTRL".into();
    expected["invalid"] = false.into();
    expected["created"] = created["created"].clone();
    expected["updated"] = replaced["updated"].clone();
    assert_eq!(replaced, expected);
    assert_ne!(replaced["updated"], replaced["created"]);
    assert_eq!(api.simulator.identities()[0].audience, "here");

    assert_eq!(api.as_owner("DELETE", &path, &Value::Null).0, 200);
    let (status, deleted) = api.as_owner("GET", &path, &Value::Null);
    assert_eq!((status, &deleted["invalid"]), (200, &true.into()));
    assert!(deleted["revoked"].is_string());
    assert!(api.simulator.identities().is_empty());
    assert_eq!(api.simulator.all_identities().len(), 1);
    let (_, listed) = api.as_owner("GET", "keys?all=true", &Value::Null);
    assert!(!listed.to_string().contains(id));
    for method in ["DELETE", "PUT"] {
        assert_eq!(api.as_owner(method, &path, &new_identity()).0, 404);
    }
}

#[test]
fn what_official_clients_send_for_nothing_is_nothing() {
    let api = api();
    for nothing in [Value::Null, "".into()] {
        let mut new = new_identity();
        new["audience"].clone_from(&nothing);
        new["description"] = nothing;
        new["customClaimRules"] = Value::Null;
        let (status, created) = api.as_owner("POST", "keys", &new);
        assert_eq!(status, 200, "{created}");
        let audience = format!("api.tailscale.com/{}", created["id"].as_str().unwrap());
        assert_eq!(created["audience"], audience);
        assert_eq!(created["customClaimRules"], json!({}));
    }
}

#[test]
fn what_is_wrong_with_a_new_one_is_said() {
    let api = api();
    for (member, value, message) in [
        ("scopes", json!([]), "at least one scope is required"),
        ("scopes", json!(["auth_key"]), "invalid scope \"auth_key\""),
        ("tags", json!([]), "tags are required for these scopes"),
        (
            "tags",
            json!(["tag:none"]),
            "requested tags [tag:none] are invalid or not permitted",
        ),
        ("issuer", json!(""), "issuer is required"),
        (
            "issuer",
            json!("http://issuer.example.com"),
            "invalid issuer: must be an https:// URL",
        ),
        (
            "issuer",
            json!("issuer"),
            "invalid issuer: must be an https:// URL",
        ),
        ("issuer", json!("https://a b"), "invalid issuer: not a URL"),
        (
            "issuer",
            json!("https://issuer.example.com/?a=b"),
            "invalid issuer: must have no user, no query and no fragment",
        ),
        (
            "issuer",
            json!("https://me@issuer.example.com"),
            "invalid issuer: must have no user, no query and no fragment",
        ),
        ("subject", json!(""), "subject is required"),
        (
            "description",
            json!("x".repeat(51)),
            "description must be at most 50 alphanumeric characters, hyphens or spaces",
        ),
        (
            "customClaimRules",
            json!({ "sub": "a" }),
            "claim \"sub\" is reserved",
        ),
        (
            "customClaimRules",
            json!({ "iss": "a" }),
            "claim \"iss\" is reserved",
        ),
        (
            "customClaimRules",
            json!({ "aud": "a" }),
            "claim \"aud\" is reserved",
        ),
        (
            "customClaimRules",
            json!({ "a..b": "a" }),
            "invalid claim name \"a..b\"",
        ),
        ("secret", json!("a"), "json: unknown field \"secret\""),
        (
            "keyType",
            json!("oidc"),
            "issuer only applies to federated identities",
        ),
    ] {
        let mut new = new_identity();
        new[member] = value;
        let rejected = api.as_owner("POST", "keys", &new);
        assert_eq!(rejected, (400, json!({ "message": message })));
        // An identity that is there is not replaced by it either.
        if member != "keyType" {
            let (_, created) = api.as_owner("POST", "keys", &new_identity());
            let path = format!("keys/{}", created["id"].as_str().unwrap());
            assert_eq!(api.as_owner("PUT", &path, &new), rejected);
            assert_eq!(api.as_owner("GET", &path, &Value::Null), (200, created));
        }
    }
}

#[test]
fn what_is_of_another_type_is_rejected() {
    let api = api();
    let not_text = json!({ "keyType": "federated", "customClaimRules": { "a": 1 } });
    let (status, body) = api.as_owner("POST", "keys", &not_text);
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("invalid type"));
    let client = json!({ "keyType": "client", "scopes": ["all:read"] });
    let (_, created) = api.as_owner("POST", "keys", &new_identity());
    let path = format!("keys/{}", created["id"].as_str().unwrap());
    assert_eq!(
        api.as_owner("PUT", &path, &client),
        (400, json!({ "message": "invalid keyType \"client\"" }))
    );
}

#[test]
fn an_issuer_has_to_look_reachable() {
    let api = api();
    let with = |host: &str| {
        let mut new = new_identity();
        new["issuer"] = format!("https://{host}").into();
        api.as_owner("POST", "keys", &new)
    };
    let message = "invalid issuer: must be publicly reachable";
    for host in [
        "localhost",
        "LOCALHOST:8443",
        "issuer",
        "keys.cluster.local",
        "metadata.google.internal",
        "A.LOCALHOST",
        "0.0.0.0",
        "10.1.2.3:8443/path",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "[::]",
        "[::1]",
        "[fd00::1]:443",
        "[fe80::1]",
    ] {
        assert_eq!(with(host), (400, json!({ "message": message })), "{host}");
    }
    for host in ["issuer.example.com:8443/a", "1.1.1.1", "[2606:4700::1111]"] {
        assert_eq!(with(host).0, 200, "{host}");
    }
}

#[test]
fn an_issuer_of_the_simulator_may_be_anywhere() {
    let api = api();
    let mut new = new_identity();
    new["issuer"] = "https://localhost:8443".into();
    assert_eq!(api.as_owner("POST", "keys", &new).0, 400);
    let _issuer = Issuer::start_as(&api.simulator, "https://localhost:8443").unwrap();
    assert_eq!(api.as_owner("POST", "keys", &new).0, 200);
}

#[test]
fn scopes_decide_who_may() {
    let (api, issuer, identity) = Api::with_identity();
    let path = format!("keys/{}", identity.id);
    let mut new = new_identity();
    new["issuer"] = issuer.url().into();
    let forbidden = |response: (u16, Value)| {
        let message = "calling actor does not have enough permissions to perform this function";
        assert_eq!(response, (403, json!({ "message": message })));
    };
    let with_scopes = |scopes: &[&str]| {
        let asking = FederatedIdentity::new("", scopes, &["tag:ci"], issuer.url(), "*");
        api.simulator.add_identity(asking.clone());
        let token = api.token(&asking.id, &issuer.token(asking.audience.as_str(), "x"));
        (asking, token)
    };
    let (own, narrow) = with_scopes(&["auth_keys"]);
    for (method, body) in [
        ("GET", Value::Null),
        ("DELETE", Value::Null),
        ("PUT", new.clone()),
    ] {
        forbidden(api.call(&narrow, method, &path, &body));
    }
    forbidden(api.call(&narrow, "POST", "keys", &new));
    // Its own it may read, and no more than that.
    let own = format!("keys/{}", own.id);
    assert_eq!(api.call(&narrow, "GET", &own, &Value::Null).0, 200);
    forbidden(api.call(&narrow, "DELETE", &own, &Value::Null));

    let (_, reads) = with_scopes(&["federated_keys:read"]);
    assert_eq!(api.call(&reads, "GET", &path, &Value::Null).0, 200);
    forbidden(api.call(&reads, "POST", "keys", &new));
    forbidden(api.call(&reads, "DELETE", &path, &Value::Null));

    let (_, writes) = with_scopes(&["federated_keys"]);
    let (status, created) = api.call(&writes, "POST", "keys", &new);
    assert_eq!((status, &created["userId"]), (200, &"".into()));
    assert_eq!(api.call(&writes, "PUT", &path, &new).0, 200);
    assert_eq!(api.call(&writes, "DELETE", &path, &Value::Null).0, 200);

    let (_, clients) = with_scopes(&["oauth_keys"]);
    forbidden(api.call(&clients, "POST", "keys", &new));
}

#[test]
fn a_token_lists_what_it_may_see() {
    let (api, issuer, identity) = Api::with_identity();
    let types = |token: &str, path: &str| {
        let (status, listed) = api.call(token, "GET", path, &Value::Null);
        assert_eq!(status, 200, "{listed}");
        let keys = listed["keys"].as_array().unwrap().clone();
        let mut types: Vec<_> = keys
            .iter()
            .map(|key| key["keyType"].as_str().unwrap().to_owned())
            .collect();
        types.sort();
        types.dedup();
        types
    };
    let minting = api.token(
        &identity.id,
        &issuer.token(identity.audience.as_str(), SUBJECT),
    );
    let key = json!({ "capabilities": { "devices": { "create": { "tags": ["tag:ci"] } } } });
    assert_eq!(api.call(&minting, "POST", "keys", &key).0, 200);

    let all = FederatedIdentity::new("", &["all"], &["tag:ci"], issuer.url(), "*");
    api.simulator.add_identity(all.clone());
    let all = api.token(&all.id, &issuer.token(all.audience.as_str(), "x"));
    assert_eq!(types(&all, "keys"), ["federated"]);
    assert_eq!(
        types(&all, "keys?all=true"),
        ["auth", "client", "federated"]
    );
    assert!(types(&minting, "keys").is_empty());
    assert_eq!(types(&minting, "keys?all=true"), ["auth"]);

    let client = OauthClient::new("all", &["all"], &[]);
    api.simulator.add_client(client.clone());
    let form = format!("client_id=x&client_secret={}", client.secret);
    let (_, token) = api.send("POST", "/api/v2/oauth/token", &[], &form);
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(types(token, "keys"), ["client"]);
    assert_eq!(
        types(token, "keys?all=true"),
        ["auth", "client", "federated"]
    );
}

#[test]
fn tokens_end_with_their_identity() {
    for revoke in [true, false] {
        let (api, issuer, identity) = Api::with_identity();
        let token = api.token(
            &identity.id,
            &issuer.token(identity.audience.as_str(), SUBJECT),
        );
        let key = json!({ "capabilities": { "devices": { "create": { "tags": ["tag:ci"] } } } });
        assert_eq!(api.call(&token, "POST", "keys", &key).0, 200);
        if revoke {
            api.simulator.revoke_identity(&identity.id);
        } else {
            let path = format!("keys/{}", identity.id);
            assert_eq!(api.as_owner("DELETE", &path, &Value::Null).0, 200);
        }
        assert_eq!(
            api.call(&token, "POST", "keys", &key),
            (401, json!({ "message": "API token invalid" }))
        );
    }
}

#[test]
fn keys_have_the_tags_of_the_identity() {
    let api = Api::with(&Setup {
        tag_owners: vec![("tag:ci".to_owned(), "tag:build".to_owned())],
        ..Setup::default()
    });
    let issuer = Issuer::start(&api.simulator).unwrap();
    let identity = api.add(&issuer, "*");
    let token = api.token(&identity.id, &issuer.token(identity.audience.as_str(), "x"));
    let with_tags = |tags: &[&str]| {
        let create = json!({ "tags": tags });
        let key = json!({ "capabilities": { "devices": { "create": create } } });
        api.call(&token, "POST", "keys", &key)
    };
    assert_eq!(with_tags(&["tag:ci"]).0, 200);
    assert_eq!(with_tags(&["tag:build"]).0, 200);
    for tags in [&["tag:tazpod"][..], &[], &["tag:none"]] {
        let message = format!(
            "requested tags [{}] are invalid or not permitted",
            tags.join(" ")
        );
        assert_eq!(with_tags(tags), (400, json!({ "message": message })));
    }
}

#[test]
fn programs_that_test_plant_them_by_the_control_listener() {
    let (api, issuer, identity) = Api::with_identity();
    let new = json!({
        "description": "planted",
        "scopes": ["auth_keys"],
        "tags": ["tag:planted"],
        "issuer": issuer.url(),
        "subject": "*",
        "audience": "here",
        "customClaimRules": { "ref": "main" },
    });
    let (status, planted) = api.control("POST", "/identities", &new);
    assert_eq!((status, &planted["audience"]), (200, &"here".into()));
    let planted = planted["id"].as_str().unwrap();
    let mut claims = issuer.claims("here", SUBJECT);
    claims["ref"] = "main".into();
    api.token(planted, &issuer.sign(&claims));
    claims["ref"] = "other".into();
    let cause = "token has invalid claims: claim ref does not match its rule";
    api.assert_rejected(planted, &issuer.sign(&claims), cause);
    let live = |api: &Api| {
        let (_, listed) = api.control("GET", "/identities", &Value::Null);
        let ids = listed.as_array().unwrap().clone();
        ids.iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(live(&api), [identity.id.as_str(), planted]);
    api.simulator.revoke_identity(&identity.id);
    assert_eq!(live(&api), [planted]);
    // What was revoked stays revoked since then.
    let revoked = || api.simulator.all_identities()[0].revoked.clone();
    let since = revoked();
    api.simulator.advance(Duration::from_mins(1));
    api.simulator.revoke_identity(&identity.id);
    assert_eq!(revoked(), since);
    assert_eq!(api.control("POST", "/identities", &json!({})).0, 400);
}

#[test]
fn headscale_has_none() {
    let api = Api::with(&Setup {
        headscale: true,
        tags: vec!["tag:ci".to_owned()],
        ..Setup::default()
    });
    let (status, body) = api.as_owner("POST", "keys", &new_identity());
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["message"], "invalid keyType \"federated\"");
}
