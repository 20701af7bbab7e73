//! `tailmint keys get` and `tailmint keys revoke`.

use insta::assert_snapshot;
use serde_json::Value;
use tailmint_simulator::{Ending, Endpoint, Fault};

use crate::world::World;

#[test]
fn describes_and_revokes_a_key() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let id = world.simulator.keys()[0].id.clone();
    let ran = world.run(&["keys", "get", &id, "--json"]);
    let described: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(described["id"], id.as_str());
    assert_eq!(described["invalid"], false);
    assert_eq!(described["key"], Value::Null);
    let ran = world.run(&["keys", "revoke", &id]);
    assert_eq!((ran.stdout, ran.code), (format!("{id} is revoked\n"), 0));
    assert_eq!(world.simulator.live_keys().len(), 0);
    let ran = world.run(&["keys", "get", &id]);
    assert!(ran.stdout.contains("no longer valid"), "{}", ran.stdout);
}

#[test]
fn a_key_that_is_not_there_is_an_error() {
    let world = World::new();
    let ran = world.run(&["keys", "get", "kNOTHERECNTRL"]);
    assert_snapshot!(ran, @"
    exit status: 14
    --- stderr
    error: there is no such key: not found
      the credential is from [dir]/secrets/tailscale-oauth-client-secret
    hint: check the names; - stands for the tailnet that the credential belongs to
    ");
}

#[test]
fn a_list_that_is_null_is_empty() {
    let world = World::new();
    let null = Fault::answer(
        200,
        &[("content-type", "application/json")],
        r#"{"keys":null}"#,
    );
    world.simulator.misbehave(Endpoint::Keys, null, 2);
    assert_snapshot!(world.run(&["keys", "list"]), @"exit status: 0");
    assert_snapshot!(world.run(&["keys", "list", "--json"]), @"exit status: 0");
}

#[test]
fn a_path_is_not_the_id_of_a_key() {
    let world = World::new();
    let ran = world.run(&["keys", "revoke", "../devices/1"]);
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: invalid value '../devices/1' for '[IDS]...': a key's id has 1 to 64 letters and digits, such as k123456CNTRL

    For more information, try '--help'.
    ");
    assert_eq!(world.simulator.connections(), 0);
}

/// Mints so many keys; their ids.
fn minted(world: &World, count: usize) -> Vec<String> {
    for _ in 0..count {
        assert_eq!(world.run(&["mint"]).code, 0);
    }
    let keys = world.simulator.keys();
    keys.into_iter().map(|key| key.id).collect()
}

#[test]
fn what_can_be_revoked_is_whatever_becomes_of_the_others() {
    let world = World::new();
    let ids = minted(&world, 2);
    let ran = world.run(&["keys", "revoke", &ids[0], "kNOTHERECNTRL", &ids[1]]);
    assert_snapshot!(ran, @"
    exit status: 14
    --- stdout
    [key 1] is revoked
    [key 2] is revoked
    --- stderr
    kNOTHERECNTRL is not revoked: there is no such key: not found
    error: not revoked: 1 of 3 keys; kNOTHERECNTRL: there is no such key: not found
      the credential is from [dir]/secrets/tailscale-oauth-client-secret
    hint: check the names; - stands for the tailnet that the credential belongs to
    ");
    assert_eq!(world.simulator.live_keys().len(), 0);
    let ids = minted(&world, 1);
    let ran = world.run(&["keys", "revoke", "kNOTHERECNTRL", &ids[2], "--json"]);
    assert_eq!(ran.code, 14, "{}", ran.stderr);
    let told: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told[0]["revoked"], false);
    assert_eq!(told[0]["error"], "there is no such key: not found");
    assert_eq!(told[1]["id"], ids[2].as_str());
    assert_eq!(told[1]["revoked"], true);
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[test]
fn a_key_that_cannot_be_looked_up_is_revoked_with_the_others() {
    let world = World::new();
    minted(&world, 3);
    let fault = Fault::answer(
        403,
        &[("content-type", "application/json")],
        r#"{"message":"not today"}"#,
    );
    world.simulator.misbehave(Endpoint::Key, fault, 1);
    assert_snapshot!(world.run(&["keys", "revoke", "--minted"]), @"
    exit status: 0
    --- stdout
    [key 1] is revoked
    [key 2] is revoked
    [key 3] is revoked
    ");
    assert_eq!(world.simulator.live_keys().len(), 0);
    // Where nothing is left, that is said.
    assert_snapshot!(world.run(&["keys", "revoke", "--minted"]), @"
    exit status: 0
    --- stdout
    there is nothing to revoke: no key on record is still valid
    ");
}

#[test]
fn a_key_of_another_tailnet_is_named_and_not_taken_for_revoked() {
    let [world, other] = [World::new(), World::new()];
    let audit = world.path().join("both.jsonl").display().to_string();
    for world in [&world, &other] {
        let ran = world.run(&["mint", "--audit-file", &audit]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let ran = world.run(&["keys", "revoke", "--minted", "--audit-file", &audit]);
    let told = other.steady(&ran.to_string());
    assert_snapshot!(told, @"
    exit status: 14
    --- stdout
    [key 1] is revoked
    --- stderr
    [key 1] is not revoked: it was minted with the credential [client 1], and this credential does not know it
    error: not revoked: 1 of 2 keys; [key 1]: it was minted with the credential [client 1], and this credential does not know it
      the credential is from [dir]/secrets/tailscale-oauth-client-secret
    hint: run this with the profile of that credential, if there still is one
    ");
    assert_eq!(world.simulator.live_keys().len(), 0);
    assert_eq!(other.simulator.live_keys().len(), 1);
}

#[test]
fn a_key_that_is_not_revoked_decides_even_where_nobody_reads() {
    let world = World::new();
    let ids = minted(&world, 1);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran = world
        .tailmint(&["keys", "revoke", &ids[0], "kNOTHERECNTRL"])
        .stdout(writer)
        .run();
    assert_eq!(ran.code, 14, "{}", ran.stderr);
    let told = "error: not revoked: 1 of 2 keys; kNOTHERECNTRL";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[test]
fn a_key_that_is_used_up_is_no_failure_after_a_rotation() {
    let world = World::new();
    assert_eq!(
        world
            .as_owner(&["clients", "create", "--replace"])
            .run()
            .code,
        0
    );
    let ids = minted(&world, 1);
    let rotated = world.as_owner(&["clients", "rotate"]).run();
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    // A key for a single use that was used is forgotten.
    let gone = Fault::answer(404, &[], r#"{"message":"not found"}"#);
    world.simulator.misbehave(Endpoint::Keys, gone, 1);
    let ran = world.run(&["keys", "revoke", "--minted"]);
    assert_eq!(ran.code, 0, "{ids:?}: {}", ran.stderr);
    assert!(ran.stdout.contains("nothing to revoke"), "{}", ran.stdout);
}

#[test]
fn a_response_of_a_gateway_does_not_say_what_became_of_a_key() {
    let world = World::new();
    let fault = Fault::Wire {
        bytes: b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ending: Ending::Close,
        acts: true,
    };
    world.simulator.misbehave(Endpoint::Keys, fault, 1);
    assert_eq!(world.run(&["mint"]).code, 16);
    assert_eq!(world.simulator.live_keys().len(), 1);
    let ran = world.run(&["keys", "revoke", "--minted"]);
    let told = "warning: requests for a key whose response is not on record: 1";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}
