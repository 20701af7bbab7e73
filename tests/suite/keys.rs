//! `tailmint keys get` and `tailmint keys revoke`.

use serde_json::Value;

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
    insta::assert_snapshot!(world.snapshot(&ran));
    let ran = world.run(&["keys", "revoke", "../devices/1"]);
    insta::assert_snapshot!("a_key_id_is_not_a_path", world.snapshot(&ran));
}
