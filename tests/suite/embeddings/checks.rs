//! What is the same in every program.

use tailmint::{Account, Credential, Secret};
use tailmint_simulator::{Endpoint, Fault, FederatedIdentity, Issuer, OauthClient, Recorded};

use super::program::{Call, Program};
use crate::{
    conformance::{By, Vector},
    world::World,
};

/// The headers that the component sets, in the order of the contract.
const OWN: [&str; 5] = [
    "accept",
    "user-agent",
    "authorization",
    "content-type",
    "content-length",
];

/// It mints; the requests are byte for byte those of every other program. What the
/// runtime adds comes back.
pub(super) fn requests_are_the_same(world: &World, program: &mut Program) -> String {
    let minted = program.mint(&Call::of(world, "bootstrap"));
    let keys = world.simulator.live_keys();
    assert_eq!(keys.len(), 1, "{minted}");
    assert_eq!(minted["key"], keys[0].key.as_str());
    assert_eq!(minted["id"], keys[0].id.as_str());

    let client = world.simulator.client("bootstrap").unwrap();
    let tokens = world.simulator.tokens();
    let requests = world.simulator.requests();
    let shown: Vec<_> = requests.iter().map(own).collect();
    let agent = concat!("tailmint/", env!("CARGO_PKG_VERSION"));
    let form = format!(
        "client_id={}&client_secret={}&grant_type=client_credentials&scope=auth_keys",
        client.id, client.secret
    );
    let body = r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#;
    let token = format!(
        "POST /api/v2/oauth/token\naccept: application/json\nuser-agent: {agent}\n\
         content-type: application/x-www-form-urlencoded\ncontent-length: {}\n\n{form}",
        form.len()
    );
    let key = |token: &String| {
        format!(
            "POST /api/v2/tailnet/-/keys\naccept: application/json\nuser-agent: {agent}\n\
             authorization: Bearer {token}\ncontent-type: application/json\n\
             content-length: {}\n\n{body}",
            body.len()
        )
    };
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0], token);
    assert!(
        tokens.iter().any(|token| shown[1] == key(token)),
        "{}",
        shown[1]
    );
    added(&requests[0])
}

/// With a federated identity, the token is exchanged by a request with the bytes of every
/// other program; a token that the identity does not take is an error of the contract.
pub(super) fn tokens_are_exchanged(world: &World, program: &mut Program) {
    const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";
    let simulator = &world.simulator;
    let issuer = Issuer::start(simulator).unwrap();
    let identity =
        FederatedIdentity::new("ci", &["auth_keys"], &["tag:tazpod"], issuer.url(), SUBJECT);
    simulator.add_identity(identity.clone());
    let token = issuer.token(identity.audience.as_str(), SUBJECT);
    fetch_keys_of_issuer(world, &identity, &token);

    let minted = program.mint(&Call::with_token(&identity, &token));
    let key = simulator.live_keys().pop().unwrap();
    assert_eq!(minted["key"], key.key.as_str(), "{minted}");
    assert_eq!(minted["id"], key.id.as_str());
    let agent = concat!("tailmint/", env!("CARGO_PKG_VERSION"));
    let form = format!("client_id={}&jwt={token}", identity.id);
    let exchange = format!(
        "POST /api/v2/oauth/token-exchange\naccept: application/json\nuser-agent: {agent}\n\
         content-type: application/x-www-form-urlencoded\ncontent-length: {}\n\n{form}",
        form.len()
    );
    let requests = simulator.requests();
    let [.., exchanged, created] = &requests[..] else {
        panic!("{} requests", requests.len());
    };
    assert_eq!(own(exchanged), exchange);
    assert_eq!(created.line(), "POST /api/v2/tailnet/-/keys");

    let elsewhere = issuer.token("https://github.com/acme", SUBJECT);
    let result = program.mint(&Call::with_token(&identity, &elsewhere));
    assert_eq!(result["error"], "invalid-credential", "{result}");
    let hint = result["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&identity.id), "{result}");
}

/// Has the API fetch the keys of the issuer, which it then has for an hour: a program's
/// deadline is for its own requests.
fn fetch_keys_of_issuer(world: &World, identity: &FederatedIdentity, token: &str) {
    let minter = world.minter().build().unwrap();
    let account = Account::new(Credential::FederatedIdentity {
        client_id: identity.id.parse().unwrap(),
        id_token: Secret::new(token.to_owned()),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(minter.check_identity(&account)).unwrap();
}

/// The request without what the runtime adds.
fn own(request: &Recorded) -> String {
    let mut text = request.line();
    for name in OWN {
        if let Some(value) = request.header(name) {
            text += &format!("\n{name}: {value}");
        }
    }
    format!("{text}\n\n{}", request.body)
}

fn added(request: &Recorded) -> String {
    let others = request
        .headers
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()));
    let mut lines: Vec<_> = others
        .map(|(name, value)| format!("{name}: {}", value.split(':').next().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Every error of the contract is seen, with something to do about it. `forbid` makes
/// a call one that the program's policy refuses, where it has one for single calls.
pub(super) fn errors_are_typed(
    world: &World,
    program: &mut Program,
    forbid: impl FnOnce(&mut Call),
) {
    let simulator = &world.simulator;
    simulator.add_client(OauthClient::new("narrow", &["devices"], &["tag:tazpod"]));
    let good = Call::of(world, "bootstrap");
    let mut see = |expected: &str, call: &Call| {
        let result = program.mint(call);
        assert_eq!(result["error"], expected, "{result}");
        for member in ["message", "hint"] {
            let text = result[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{expected} has no {member}");
        }
    };
    let client = simulator.client("bootstrap").unwrap();
    let wrong = good.clone().with_secret(&format!("{}x", client.secret));
    see("invalid-credential", &wrong);
    see("missing-scope", &Call::of(world, "narrow"));
    let other = Call {
        tags: vec!["tag:x".to_owned()],
        ..good.clone()
    };
    see("tags-not-permitted", &other);
    let nowhere = Call {
        tailnet: "elsewhere.example".to_owned(),
        ..good.clone()
    };
    see("not-found", &nowhere);
    for (expected, endpoint, fault) in [
        (
            "invalid-request",
            Endpoint::Keys,
            Fault::answer(400, &[], r#"{"message":"bad description"}"#),
        ),
        (
            "rate-limited",
            Endpoint::Token,
            Fault::answer(429, &[("retry-after", "3600")], ""),
        ),
        ("unavailable", Endpoint::Token, Fault::answer(503, &[], "")),
        (
            "malformed-response",
            Endpoint::Token,
            Fault::answer(200, &[("content-type", "text/html")], "<html>"),
        ),
        ("transport", Endpoint::Token, Fault::Cut),
        ("outcome-unknown", Endpoint::Keys, Fault::LoseAnswer),
    ] {
        simulator.misbehave(endpoint, fault, 1);
        see(expected, &good);
    }
    let mut forbidden = good.clone();
    forbid(&mut forbidden);
    if forbidden.expiry_seconds != good.expiry_seconds {
        see("denied", &forbidden);
    }
    // It is as usable as before.
    let minted = program.mint(&good);
    assert!(minted["key"].is_string(), "{minted}");
}

/// A body that is longer than a stream of WASI takes at once arrives whole: the request
/// is handed over before its body is written, in parts.
pub(super) fn long_bodies_arrive(world: &World, program: &mut Program) {
    const AT_ONCE: usize = 4096;
    let secret = format!("{:x<AT_ONCE$}", "tskey-client-");
    let call = Call::of(world, "bootstrap").with_secret(&secret);
    let result = program.mint(&call);
    assert_eq!(result["error"], "invalid-credential", "{result}");
    let sent = world.simulator.requests().pop().unwrap();
    assert!(sent.body.len() > AT_ONCE, "{} bytes", sent.body.len());
    assert!(sent.body.contains(&secret));
    let length = sent.body.len().to_string();
    assert_eq!(sent.header("content-length"), Some(length.as_str()));
}

/// In a host that refuses nothing, what the gate refuses does not leave.
pub(super) fn gate_is_enough(world: &World, program: &mut Program) {
    let call = Call::of(world, "bootstrap");
    let mut seen = 0;
    for vector in Vector::all() {
        if !vector.by.contains(&By::Gate) {
            continue;
        }
        let call = call.clone().with_id(&vector.id());
        let before = world.simulator.connections();
        let result = program.mint(&call);
        let made = world.simulator.connections() - before;
        assert_eq!(made, vector.requests(), "{}: {result}", vector.name);
        seen += 1;
    }
    assert!(seen >= 40, "{seen} vectors");
}
