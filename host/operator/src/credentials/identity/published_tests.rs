//! What an issuer publishes, and what can be wrong with it, word by word.

use std::{sync::Arc, time::Duration};

use insta::assert_snapshot;
use serde_json::{Value, json};
use tailmint::{Interrupt, connection::Trust, policy::Policy};
use tailmint_core::{Diagnose, Environment};

use super::{
    IdToken, IdentitySources,
    endpoints::Endpoints,
    fakes::{Fake, Log, Reply, token_of},
};

const CLIENT: &str = "T1CNTRL-k1CNTRL";

/// An issuer on this port, and what looking at it led to.
struct Looked {
    said: String,
    requests: Vec<String>,
    lines: Vec<Value>,
}

/// Looks with these replies, each of which may have the issuer's own address as `ISSUER`.
async fn look(hosts: &str, path: &str, replies: impl FnOnce(&str) -> Vec<Reply>) -> Looked {
    // The port is known once the server listens, and its replies have it in them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let issuer = format!("https://localhost:{port}{path}");
    let (fake, _, trust) = Fake::tls_on(listener, "localhost", replies(&issuer));
    let looked = of_issuer(hosts, &issuer, trust).await;
    let port = port.to_string();
    Looked {
        said: looked.0.replace(&port, "PORT"),
        requests: fake.requests(),
        lines: looked.1,
    }
}

async fn of_issuer(hosts: &str, issuer: &str, trust: Trust) -> (String, Vec<Value>) {
    let policy =
        format!("version = 1\n[identity]\nclient-ids = [\"{CLIENT}\"]\nissuer-hosts = [{hosts}]\n");
    let policy = Policy::parse(&policy).unwrap();
    let environment = Environment::default();
    let interrupt = Interrupt::default();
    let log = Arc::new(Log::default());
    let mut sources = IdentitySources::new(Some(&policy), &environment, &interrupt)
        .trust(trust)
        .audit(Arc::clone(&log) as _);
    sources.endpoints = Endpoints {
        limit: Duration::from_secs(2),
        ..Endpoints::default()
    };
    let token = token_of(&json!({ "iss": issuer, "sub": "a", "aud": "b" }));
    let token = IdToken::read(token.as_bytes()).unwrap();
    let said = match sources.published(CLIENT, &token).await {
        Ok(Ok(published)) => format!("{} {}", published.issuer, published.keys),
        Ok(Err(problem)) => problem.to_string(),
        Err(error) => format!(
            "{}: {error}\nhint: {}",
            error.class().name(),
            error.hint().unwrap_or_default()
        ),
    };
    let lines = log.lines.lock().unwrap().clone();
    (said, lines)
}

fn discovery(issuer: &str) -> Reply {
    Reply::ok(json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string())
}

fn keys() -> Reply {
    Reply::ok(json!({ "keys": [{ "kid": "other" }, { "kid": "key-1" }] }).to_string())
}

const HERE: &str = "\"localhost\"";

#[tokio::test]
async fn both_documents_are_fetched_and_written_down_and_the_token_stays() {
    let looked = look(HERE, "/a/", |issuer| {
        let at = issuer.trim_end_matches('/');
        let text = json!({ "issuer": issuer, "jwks_uri": format!("{at}/keys?v=1") });
        vec![Reply::ok(text.to_string()), keys()]
    })
    .await;
    assert_snapshot!(looked.said, @"https://localhost:PORT/a/ 2");
    let lines = looked.requests.iter().filter_map(|it| it.lines().next());
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    GET /a/.well-known/openid-configuration HTTP/1.1
    GET /a/keys?v=1 HTTP/1.1
    ");
    assert!(looked.requests.iter().all(|it| !it.contains("eyJ")));
    let lines = looked.lines.iter().map(|line| {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        format!(
            "{} {} {} {}{} {}",
            text("operation"),
            text("event"),
            text("decision"),
            text("host"),
            text("path"),
            line["status"]
        )
    });
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    issuer-probe decision allow localhost/a/.well-known/openid-configuration null
    issuer-probe response allow localhost/a/.well-known/openid-configuration 200
    issuer-probe decision allow localhost/a/keys null
    issuer-probe response allow localhost/a/keys 200
    ");
}

/// What an issuer at this address replies, in turn.
type Replies = fn(&str) -> Vec<Reply>;

#[tokio::test]
async fn each_thing_that_is_wrong_with_the_documents_is_named() {
    let mut said = String::new();
    let cases: [(&str, Replies); 10] = [
        ("no document", |_| vec![Reply::status("404 Not Found", "")]),
        ("a redirect", |_| vec![Reply::redirect()]),
        ("a page", |_| vec![Reply::ok("<html>")]),
        ("somebody else's", |_| {
            vec![discovery("https://other.example.com")]
        }),
        ("nobody's", |_| vec![Reply::ok("{}")]),
        ("no keys named", |issuer| {
            vec![Reply::ok(json!({ "issuer": issuer }).to_string())]
        }),
        ("keys without TLS", |issuer| {
            let text = json!({ "issuer": issuer, "jwks_uri": "http://localhost/keys" });
            vec![Reply::ok(text.to_string())]
        }),
        ("keys in pieces", |issuer| {
            vec![discovery(issuer), Reply::ok("[]")]
        }),
        ("no keys", |issuer| {
            vec![discovery(issuer), Reply::ok("{\"keys\":{}}")]
        }),
        ("other keys", |issuer| {
            let set = json!({ "keys": [{ "kid": "key-2" }] });
            vec![discovery(issuer), Reply::ok(set.to_string())]
        }),
    ];
    for (name, replies) in cases {
        let looked = look(HERE, "", replies).await;
        said += &format!("{name}: {}\n", looked.said);
    }
    assert_snapshot!(said, @"
    no document: its discovery document at https://localhost:PORT/.well-known/openid-configuration has the status 404
    a redirect: its discovery document at https://localhost:PORT/.well-known/openid-configuration has the status 302
    a page: its discovery document is not a JSON object
    somebody else's: its discovery document is that of https://other.example.com
    nobody's: its discovery document does not say whose it is (issuer)
    no keys named: its discovery document does not say where the keys are (jwks_uri)
    keys without TLS: its key set is not at an https:// address
    keys in pieces: its key set is not a JSON object
    no keys: its key set has no list of keys
    other keys: none of the keys that it publishes is the token's (kid key-1)
    ");
}

#[tokio::test]
async fn a_connection_that_ends_is_told_with_the_document() {
    let looked = look(HERE, "", |_| vec![Reply::Close]).await;
    assert_snapshot!(looked.said, @"its discovery document cannot be fetched: the connection broke: the other side closed it");
    let events: Vec<_> = looked.lines.iter().map(|it| it["event"].clone()).collect();
    assert_eq!(events, ["decision", "failure"]);
}

#[tokio::test]
async fn a_host_that_the_policy_does_not_name_is_not_asked() {
    let looked = look("", "", |_| vec![Reply::Close]).await;
    assert_snapshot!(looked.said, @r#"
    denied: the policy denies it by rule identity: identity.issuer-host: "localhost" is not allowed
    hint: to allow it, add "localhost" to identity.issuer-hosts in policy
    "#);
    assert!(looked.requests.is_empty());
    assert_eq!(looked.lines.len(), 1);
    assert_eq!(looked.lines[0]["decision"], "deny");
    // Nor is where the document leads.
    let looked = look(HERE, "", |issuer| {
        let text = json!({ "issuer": issuer, "jwks_uri": "https://keys.example.com/" });
        vec![Reply::ok(text.to_string())]
    })
    .await;
    assert_snapshot!(looked.said, @r#"
    denied: the policy denies it by rule identity: identity.issuer-host: "keys.example.com" is not allowed
    hint: to allow it, add "keys.example.com" to identity.issuer-hosts in policy
    "#);
    assert_eq!(looked.requests.len(), 1);
}
