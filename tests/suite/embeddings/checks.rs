//! What is the same in every program.

use tailmint_simulator::{Endpoint, Fault, OauthClient, Recorded};

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
    let mut wrong = good.clone();
    wrong.secret.push('x');
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
    let mut call = Call::of(world, "bootstrap");
    call.secret = format!("{:x<AT_ONCE$}", "tskey-client-");
    let result = program.mint(&call);
    assert_eq!(result["error"], "invalid-credential", "{result}");
    let sent = world.simulator.requests().pop().unwrap();
    assert!(sent.body.len() > AT_ONCE, "{} bytes", sent.body.len());
    assert!(sent.body.contains(&call.secret));
    let length = sent.body.len().to_string();
    assert_eq!(sent.header("content-length"), Some(length.as_str()));
}

/// In a host that refuses nothing, what the gate refuses does not leave.
pub(super) fn gate_is_enough(world: &World, program: &mut Program) {
    let mut call = Call::of(world, "bootstrap");
    let mut seen = 0;
    for vector in Vector::all() {
        if !vector.by.contains(&By::Gate) {
            continue;
        }
        call.id = vector.id();
        let before = world.simulator.connections();
        let result = program.mint(&call);
        let made = world.simulator.connections() - before;
        assert_eq!(made, vector.requests(), "{}: {result}", vector.name);
        seen += 1;
    }
    assert!(seen >= 40, "{seen} vectors");
}
