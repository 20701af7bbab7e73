//! `tailmint keys get` and `tailmint keys revoke`.

use insta::assert_snapshot;
use serde_json::Value;
use tailmint_simulator::{Endpoint, Fault};

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
