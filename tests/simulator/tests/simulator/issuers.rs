//! The documents of issuers, as the service fetches them.

use std::time::Duration;

use serde_json::Value;
use tailmint_simulator::{Algorithm, Document, Endpoint, Fault, Issuer, IssuerFault, Setup};

use crate::api::{Api, SUBJECT, wait_until};

const KEYFUNC: &str = "token is unverifiable: error while executing keyfunc";

#[test]
fn a_document_at_fault_is_a_rejection() {
    let discovery = "https://issuer.example.com/.well-known/openid-configuration";
    let keys = "https://issuer.example.com/jwks";
    for (document, fault, url, why) in [
        (Document::Both, IssuerFault::Down, discovery, ""),
        (
            Document::Both,
            IssuerFault::WrongCertificate,
            discovery,
            "invalid peer certificate",
        ),
        (
            Document::Discovery,
            IssuerFault::Status(500),
            discovery,
            "status 500",
        ),
        (
            Document::Discovery,
            IssuerFault::Status(404),
            discovery,
            "status 404",
        ),
        (
            Document::Discovery,
            IssuerFault::Moved,
            discovery,
            "status 302",
        ),
        (
            Document::Discovery,
            IssuerFault::NotJson,
            discovery,
            "expected value",
        ),
        (
            Document::Discovery,
            IssuerFault::Empty,
            discovery,
            "missing field `issuer`",
        ),
        (
            Document::Discovery,
            IssuerFault::WrongIssuer,
            discovery,
            "issuer is \"https://other.example.com\"",
        ),
        (
            Document::Discovery,
            IssuerFault::PlainKeys,
            "http://issuer.example.com/jwks",
            "not an https:// URL",
        ),
        (
            Document::Discovery,
            IssuerFault::Huge(2 << 20),
            discovery,
            "length limit exceeded",
        ),
        (Document::Keys, IssuerFault::Status(500), keys, "status 500"),
        (Document::Keys, IssuerFault::NotJson, keys, "expected value"),
        (
            Document::Keys,
            IssuerFault::Empty,
            keys,
            "missing field `keys`",
        ),
        (
            Document::Keys,
            IssuerFault::Huge(2 << 20),
            keys,
            "length limit exceeded",
        ),
        (Document::Keys, IssuerFault::Moved, keys, "status 302"),
    ] {
        let (api, issuer, identity) = Api::with_identity();
        issuer.misbehave(document, fault.clone());
        let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
        assert_eq!(api.exchange(&identity.id, &jwt).0, 403, "{fault:?}");
        let cause = api.simulator.last_cause(&identity.id).unwrap();
        let begins = format!("{KEYFUNC}: {url}: ");
        assert!(cause.starts_with(&begins), "{fault:?}: {cause}");
        assert!(cause.contains(why), "{fault:?}: {cause}");
        // What was at fault is not kept.
        issuer.forgive();
        api.token(&identity.id, &jwt);
    }
}

#[test]
fn a_large_document_is_read() {
    let (api, issuer, identity) = Api::with_identity();
    issuer.misbehave(Document::Both, IssuerFault::Huge(900_000));
    api.token(
        &identity.id,
        &issuer.token(identity.audience.as_str(), SUBJECT),
    );
}

#[test]
fn an_issuer_that_is_gone_is_not_reached() {
    let (api, issuer, identity) = Api::with_identity();
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    drop(issuer);
    assert_eq!(api.exchange(&identity.id, &jwt).0, 403);
    let cause = api.simulator.last_cause(&identity.id).unwrap();
    assert!(cause.contains("refused"), "{cause}");
    // Nor is one that never was: nothing leaves the machine.
    let other = Issuer::start_as(&Api::new().simulator, "https://elsewhere.example.com").unwrap();
    let identity = api.add(&other, "*");
    let jwt = other.token(identity.audience.as_str(), "x");
    let cause = format!(
        "{KEYFUNC}: https://elsewhere.example.com/.well-known/openid-configuration: no such host"
    );
    api.assert_rejected(&identity.id, &jwt, &cause);
}

#[test]
fn others_do_not_wait_for_an_issuer_that_is_held() {
    let (api, issuer, identity) = Api::with_identity();
    issuer.misbehave(Document::Both, IssuerFault::Hold);
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| api.exchange(&identity.id, &jwt));
        wait_until("the issuer is asked", || !issuer.requests().is_empty());
        let path = format!("keys/{}", identity.id);
        assert_eq!(api.as_owner("GET", &path, &Value::Null).0, 200);
        // An exchange that made others wait would have waited for too long itself.
        issuer.forgive();
        assert_eq!(held.join().unwrap().0, 200);
    });
}

#[test]
fn an_issuer_that_is_silent_takes_too_long() {
    let api = Api::with(&Setup {
        issuer_limit: Duration::from_millis(100),
        ..Setup::default()
    });
    let issuer = Issuer::start(&api.simulator).unwrap();
    let identity = api.add(&issuer, "*");
    issuer.misbehave(Document::Keys, IssuerFault::Silence);
    let jwt = issuer.token(identity.audience.as_str(), "x");
    let cause = format!("{KEYFUNC}: https://issuer.example.com/jwks: took too long");
    api.assert_rejected(&identity.id, &jwt, &cause);
}

#[test]
fn keys_are_for_signatures_and_for_their_algorithm() {
    for fault in [IssuerFault::OtherUse, IssuerFault::OtherAlgorithms] {
        let (api, issuer, identity) = Api::with_identity();
        issuer.misbehave(Document::Keys, fault);
        for algorithm in Algorithm::ALL {
            let claims = issuer.claims(identity.audience.as_str(), SUBJECT);
            let jwt = issuer.sign_with(algorithm, &claims);
            let cause = "token signature is invalid: key is of invalid type";
            api.assert_rejected(&identity.id, &jwt, cause);
        }
    }
}

#[test]
fn keys_are_kept_and_fetched_once_more_for_one_that_is_not_known() {
    let (api, issuer, identity) = Api::with_identity();
    let token = || issuer.token(identity.audience.as_str(), SUBJECT);
    let old = token();
    api.token(&identity.id, &old);
    api.token(&identity.id, &token());
    assert_eq!(issuer.requests().len(), 2);
    issuer.rotate();
    api.token(&identity.id, &token());
    assert_eq!(issuer.requests().len(), 4);
    // The old key is none any more.
    let cause = format!("{KEYFUNC}: the issuer has no key \"RS256-1\"");
    api.assert_rejected(&identity.id, &old, &cause);
    assert_eq!(issuer.requests().len(), 6);
    // They are fetched again after an hour, or when the service begins anew.
    api.token(&identity.id, &token());
    assert_eq!(issuer.requests().len(), 6);
    api.simulator.advance(Duration::from_secs(3601));
    api.token(&identity.id, &token());
    assert_eq!(issuer.requests().len(), 8);
}

#[test]
fn an_issuer_may_have_a_path_and_a_port() {
    let api = Api::new();
    for url in [
        "https://oidc.example.com/org/acme",
        "https://sts.example.com/tenant/",
        "https://issuer.example.com:8443",
    ] {
        let issuer = Issuer::start_as(&api.simulator, url).unwrap();
        let identity = api.add(&issuer, "*");
        api.token(&identity.id, &issuer.token(identity.audience.as_str(), "x"));
        let paths: Vec<_> = issuer.requests().into_iter().map(|it| it.path).collect();
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let path = path.trim_end_matches('/');
        let base = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        assert_eq!(
            paths,
            [
                format!("{base}/.well-known/openid-configuration"),
                format!("{base}/jwks"),
            ]
        );
    }
    assert!(Issuer::start_as(&api.simulator, "http://issuer.example.com").is_err());
}

#[test]
fn the_exchange_can_be_held_while_other_requests_go_on() {
    let (api, issuer, identity) = Api::with_identity();
    api.simulator.misbehave(Endpoint::Exchange, Fault::Hold, 1);
    let jwt = issuer.token(identity.audience.as_str(), SUBJECT);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| api.exchange(&identity.id, &jwt));
        let requests = || api.simulator.requests();
        wait_until("the exchange arrives", || !requests().is_empty());
        assert!(issuer.requests().is_empty());
        api.simulator.go_on();
        assert_eq!(held.join().unwrap().0, 200);
    });
}
