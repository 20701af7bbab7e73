//! `POST /api/v2/oauth/token-exchange`.

use std::time::Duration;

use serde_json::{Value, json};
use tailmint_simulator::{Algorithm, Endpoint, Fault, FederatedIdentity, Forgery, Issuer, Setup};

use crate::api::{Api, SUBJECT};

#[test]
fn a_good_token_of_each_algorithm_is_exchanged() {
    let (api, issuer, identity) = Api::with_identity();
    for algorithm in Algorithm::ALL {
        let claims = issuer.claims(identity.audience.as_str(), SUBJECT);
        let jwt = issuer.sign_with(algorithm, &claims);
        let (status, mut body) = api.exchange(&identity.id, &jwt);
        assert_eq!(status, 200, "{algorithm:?}: {body}");
        let token = body["access_token"].take();
        assert!(
            api.simulator
                .tokens()
                .contains(&token.as_str().unwrap().to_owned())
        );
        assert_eq!(
            body,
            json!({
                "access_token": null,
                "token_type": "Bearer",
                "expires_in": 3600,
                "scope": "auth_keys",
            })
        );
        assert!(api.simulator.identity_tokens().contains(&jwt));
    }
    // The keys were fetched once.
    assert_eq!(issuer.requests().len(), 2);
}

#[test]
fn the_whole_grant_is_granted_whatever_is_asked_for() {
    let api = Api::with(&Setup {
        exchange_has_tags: true,
        ..Setup::default()
    });
    let issuer = Issuer::start(&api.simulator).unwrap();
    let scopes = ["auth_keys", "services"];
    let tags = ["tag:a", "tag:b"];
    let identity = FederatedIdentity::new("", &scopes, &tags, issuer.url(), "*");
    api.simulator.add_identity(identity.clone());
    let jwt = issuer.token(identity.audience.as_str(), "x");
    let form = format!(
        "client_id={}&jwt={jwt}&scope=auth_keys&tags=tag:a",
        identity.id
    );
    let (_, body) = api.form(&form);
    assert_eq!(body["scope"], "auth_keys services");
    assert_eq!(body["tags"], "tag:a tag:b");
}

#[test]
fn an_access_token_lives_for_an_hour() {
    let (api, issuer, identity) = Api::with_identity();
    let token = api.token(
        &identity.id,
        &issuer.token(identity.audience.as_str(), SUBJECT),
    );
    let path = format!("keys/{}", identity.id);
    api.simulator.advance(Duration::from_mins(50));
    assert_eq!(api.call(&token, "GET", &path, &Value::Null).0, 200);
    api.simulator.advance(Duration::from_mins(12));
    assert_eq!(api.call(&token, "GET", &path, &Value::Null).0, 401);
}

#[test]
fn what_tailscale_up_sends_is_taken() {
    let (api, issuer, identity) = Api::with_identity();
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    let headers = [
        ("authorization", "Basic Og==".to_owned()),
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    let id = &identity.id;
    let form = format!("client_id={id}&code=&grant_type=authorization_code&jwt={jwt}");
    // A token is exchanged as often as it is sent.
    for _ in 0..2 {
        let sent = api.send("POST", "/api/v2/oauth/token-exchange", &headers, &form);
        assert_eq!(sent.0, 200, "{}", sent.1);
    }
}

#[test]
fn a_form_without_one_of_its_members_is_an_invalid_request() {
    let (api, issuer, identity) = Api::with_identity();
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    let id = &identity.id;
    let invalid = |name: &str| {
        let message = format!("invalid request: {name} is required");
        (400, json!({ "message": message }))
    };
    assert_eq!(api.form("x"), invalid("client_id"));
    assert_eq!(api.form(&format!("jwt={jwt}")), invalid("client_id"));
    assert_eq!(
        api.form(&format!("client_id=&jwt={jwt}")),
        invalid("client_id")
    );
    assert_eq!(api.form(&format!("client_id={id}")), invalid("jwt"));
    assert_eq!(api.form(&format!("client_id={id}&jwt=")), invalid("jwt"));
    let path = "/api/v2/oauth/token-exchange";
    let json = json!({ "client_id": id, "jwt": jwt }).to_string();
    let headers = [("content-type", "application/json".to_owned())];
    assert_eq!(
        api.send("POST", path, &headers, &json),
        invalid("client_id")
    );
    let form = format!("client_id={id}&jwt={jwt}");
    assert_eq!(api.send("POST", path, &[], &form), invalid("client_id"));
    assert_eq!(api.send("GET", &format!("{path}?{form}"), &[], "").0, 404);
    assert_eq!(api.simulator.last_cause(id), None);
}

#[test]
fn headscale_has_no_such_endpoint() {
    let api = Api::with(&Setup {
        headscale: true,
        ..Setup::default()
    });
    let (status, body) = api.form("client_id=a&jwt=b");
    assert_eq!((status, &body["message"]), (404, &"not found".into()));
}

#[test]
fn an_identity_that_is_not_there_is_rejected_as_all_are() {
    let (api, issuer, identity) = Api::with_identity();
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    let cause = "there is no such federated identity";
    api.assert_rejected("TnoneCNTRL-knoneCNTRL", &jwt, cause);
    // The id of an OAuth client is none.
    let client = api.simulator.client("bootstrap").unwrap();
    api.assert_rejected(&client.id, &jwt, cause);
    api.simulator.revoke_identity(&identity.id);
    api.assert_rejected(&identity.id, &jwt, cause);
}

#[test]
fn each_forgery_is_rejected() {
    let (api, issuer, identity) = Api::with_identity();
    let claims = issuer.claims(identity.audience.as_str(), SUBJECT);
    for forgery in Forgery::ALL {
        let cause = match forgery {
            Forgery::AlgNone => "token signature is invalid: signing method none is invalid",
            Forgery::BadSignature => "token signature is invalid: crypto/rsa: verification error",
            Forgery::Crit => "token is unverifiable: crit is not supported",
            Forgery::DuplicateClaim => {
                "token is malformed: could not JSON decode claim: duplicate member \"sub\""
            }
            Forgery::DuplicateHeader => {
                "token is malformed: could not JSON decode header: duplicate member \"alg\""
            }
            Forgery::FiveParts => {
                "token is malformed: token contains an invalid number of segments"
            }
            Forgery::Hs256WithPublicKey => {
                "token signature is invalid: signing method HS256 is invalid"
            }
            Forgery::NoKid => "token is unverifiable: the token has no kid",
            Forgery::OtherAlgorithm => "token signature is invalid: key is of invalid type",
            Forgery::OtherKey => "token signature is invalid: crypto/ecdsa: verification error",
            Forgery::UnknownKid => {
                "token is unverifiable: error while executing keyfunc: the issuer has no key \
                 \"unknown\""
            }
            other => panic!("what is {other:?} rejected for?"),
        };
        api.assert_rejected(&identity.id, &issuer.forge(forgery, &claims), cause);
    }
    for (header, cause) in [
        (
            "{}",
            "token is unverifiable: signing method (alg) is unspecified",
        ),
        (
            r#"{"alg":"RS512","kid":"RS256-1"}"#,
            "token signature is invalid: signing method RS512 is invalid",
        ),
        (
            r#"{"alg":"rs256","kid":"RS256-1"}"#,
            "token signature is invalid: signing method rs256 is invalid",
        ),
    ] {
        let jwt = issuer.sign_text(Algorithm::Rs256, header, &claims.to_string());
        api.assert_rejected(&identity.id, &jwt, cause);
    }
    // None of them spoils the next.
    api.token(&identity.id, &issuer.sign(&claims));
    assert_eq!(api.console(&identity.id), json!({ "cause": null }));
}

#[test]
fn claims_that_are_not_the_identitys_are_rejected() {
    let (api, issuer, identity) = Api::with_identity();
    let audience = identity.audience.as_str();
    let claims = issuer.claims(audience, SUBJECT);
    for (claim, value, cause) in [
        (
            "iss",
            json!("https://other.example.com"),
            "token has invalid issuer",
        ),
        (
            "iss",
            json!(format!("{}/", issuer.url())),
            "token has invalid issuer",
        ),
        ("iss", json!([issuer.url()]), "token has invalid issuer"),
        ("aud", json!("other"), "token has invalid audience"),
        ("aud", json!(["a", "b"]), "token has invalid audience"),
        ("aud", json!([]), "token has invalid audience"),
        (
            "aud",
            json!(format!("https://{audience}")),
            "token has invalid audience",
        ),
        (
            "aud",
            json!({ "a": audience }),
            "token has invalid audience",
        ),
        ("aud", Value::Null, "token has invalid audience"),
        ("sub", json!("repo:acme/web"), "token has invalid subject"),
        ("sub", json!("repo:Acme/web:x"), "token has invalid subject"),
        (
            "sub",
            json!("x:repo:acme/web:x"),
            "token has invalid subject",
        ),
        ("sub", json!(5), "token has invalid subject"),
    ] {
        let mut claims = claims.clone();
        claims[claim] = value;
        let cause = format!("token has invalid claims: {cause}");
        api.assert_rejected(&identity.id, &issuer.sign(&claims), &cause);
    }
    let mut without = claims.clone();
    without.as_object_mut().unwrap().remove("exp");
    let cause = "token has invalid claims: token is missing required claim: exp claim is required";
    api.assert_rejected(&identity.id, &issuer.sign(&without), cause);
    let mut text = claims;
    text["exp"] = "tomorrow".into();
    let cause = "token is malformed: could not JSON decode claim: exp is invalid";
    api.assert_rejected(&identity.id, &issuer.sign(&text), cause);
}

#[test]
fn one_audience_of_several_is_enough() {
    let (api, issuer, identity) = Api::with_identity();
    let several = json!(["other", identity.audience]);
    api.token(&identity.id, &issuer.token(several, SUBJECT));
    // One that was chosen stands for the service's own.
    let chosen = FederatedIdentity::new("", &["all"], &[], issuer.url(), "*")
        .with_audience("sts.example.com");
    api.simulator.add_identity(chosen.clone());
    api.token(&chosen.id, &issuer.token("sts.example.com", "x"));
}

#[test]
fn time_is_the_services_to_the_second_and_its_leeway() {
    for leeway in [0, 60] {
        let api = Api::with(&Setup {
            leeway: Duration::from_secs(leeway),
            ..Setup::default()
        });
        let issuer = Issuer::start(&api.simulator).unwrap();
        let identity = api.add(&issuer, "*");
        let audience = identity.audience.as_str();
        let (old, new) = (
            issuer.expired(audience, "x"),
            issuer.not_yet_valid(audience, "x"),
        );
        if leeway == 0 {
            let expired = "token has invalid claims: token is expired";
            api.assert_rejected(&identity.id, &old, expired);
            let early = "token has invalid claims: token is not valid yet";
            api.assert_rejected(&identity.id, &new, early);
        } else {
            api.token(&identity.id, &old);
            api.token(&identity.id, &new);
        }
        // A token of 300 seconds, by a clock that tests move.
        let jwt = issuer.token(audience, "x");
        api.simulator.advance(Duration::from_secs(200 + leeway));
        api.token(&identity.id, &jwt);
        api.simulator.advance(Duration::from_secs(150));
        let expired = "token has invalid claims: token is expired";
        api.assert_rejected(&identity.id, &jwt, expired);
        api.token(&identity.id, &issuer.token(audience, "x"));
    }
}

#[test]
fn rules_match_nested_and_quoted_claims() {
    let api = Api::new();
    let issuer = Issuer::start(&api.simulator).unwrap();
    let identity = FederatedIdentity::new("", &["all"], &[], issuer.url(), "*")
        .with_rule("ref", "refs/heads/*")
        .with_rule("\"https://sts.example.com/\".account", "1234")
        .with_rule("job.runner", "*hosted*");
    api.simulator.add_identity(identity.clone());
    let mut claims = issuer.claims(identity.audience.as_str(), "x");
    claims["ref"] = "refs/heads/feature/a:b".into();
    claims["https://sts.example.com/"] = json!({ "account": "1234" });
    claims["job"] = json!({ "runner": "github-hosted" });
    api.token(&identity.id, &issuer.sign(&claims));
    for (name, pointer, value) in [
        ("ref", "/ref", json!("refs/tags/v1")),
        ("ref", "/ref", json!(["refs/heads/main"])),
        (
            "\"https://sts.example.com/\".account",
            "/https:~1~1sts.example.com~1/account",
            json!(1234),
        ),
        ("job.runner", "/job", json!({})),
        ("job.runner", "/job", json!("github-hosted")),
    ] {
        let mut claims = claims.clone();
        *claims.pointer_mut(pointer).unwrap() = value;
        let cause = format!("token has invalid claims: claim {name} does not match its rule");
        api.assert_rejected(&identity.id, &issuer.sign(&claims), &cause);
    }
}

#[test]
fn another_issuers_key_is_none_of_this() {
    let (api, issuer, identity) = Api::with_identity();
    let other = Issuer::start_as(&api.simulator, "https://other.example.com").unwrap();
    let claims = issuer.claims(identity.audience.as_str(), SUBJECT);
    // By RS256 they have the same key: a test key is one.
    let jwt = other.sign_with(Algorithm::EdDsa, &claims);
    let cause = "token signature is invalid: ed25519: verification error";
    api.assert_rejected(&identity.id, &jwt, cause);
    let jwt = other.token(identity.audience.as_str(), SUBJECT);
    let cause = "token has invalid claims: token has invalid issuer";
    api.assert_rejected(&identity.id, &jwt, cause);
    assert!(other.requests().is_empty());
}

#[test]
fn it_misbehaves_alone_when_told_to() {
    let (api, issuer, identity) = Api::with_identity();
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    let fault = Fault::answer(503, &[], "busy");
    api.simulator.misbehave(Endpoint::Exchange, fault, 1);
    let path = format!("keys/{}", identity.id);
    assert_eq!(api.as_owner("GET", &path, &Value::Null).0, 200);
    assert_eq!(api.exchange(&identity.id, &jwt), (503, "busy".into()));
    assert_eq!(api.exchange(&identity.id, &jwt).0, 200);
    let requests = api.simulator.requests();
    let exchanges: Vec<_> = requests
        .iter()
        .filter(|it| it.line() == "POST /api/v2/oauth/token-exchange")
        .map(|it| it.misbehaved)
        .collect();
    assert_eq!(exchanges, [true, false]);
}

#[test]
fn issuers_stay_when_the_service_begins_anew() {
    let (api, issuer, identity) = Api::with_identity();
    api.simulator.begin_anew(&Setup {
        identities: vec![identity.clone()],
        ..Setup::default()
    });
    assert_eq!(api.simulator.identities().len(), 1);
    assert_eq!(api.simulator.identities()[0].tags, ["tag:ci"]);
    api.token(
        &identity.id,
        &issuer.token(identity.audience.as_str(), SUBJECT),
    );
}
