//! A lease and its key end together.

use insta::assert_snapshot;
use serde_json::Value;
use tailmint_simulator::{Endpoint, Fault};

use crate::lab::{Lab, wait_for};

#[test]
fn a_lease_is_renewed_within_its_limits_and_revokes_its_key() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, id) = lab.key();
    let shown = lab.transcript(&[
        &format!("lease renew {lease}"),
        &format!("lease renew -increment=20m {lease}"),
        &format!("lease revoke -sync {lease}"),
        &format!("lease revoke -sync {lease}"),
        &format!("lease renew {lease}"),
        "list ts/keys",
    ]);
    assert_snapshot!(shown.replace(&lease, "LEASE"));
    assert!(!lab.alive().contains(&id));
    // A key without a ttl of its own has a lease as long as it lives, which is not renewed.
    lab.done(&["write", "ts/roles/web", "ttl=0"]);
    let (lease, _) = lab.key();
    let shown = lab.transcript(&[&format!("lease renew {lease}")]);
    assert_snapshot!(shown.replace(&lease, "LEASE"));
}

#[test]
fn a_key_that_is_gone_is_revoked() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, id) = lab.key();
    lab.simulator.misbehave(
        Endpoint::Key,
        Fault::answer(
            404,
            &[("content-type", "application/json")],
            "{\"message\":\"not found\"}",
        ),
        1,
    );
    assert_eq!(lab.vault(&["lease", "revoke", "-sync", &lease]).code, 0);
    // It was the API that said so.
    assert!(lab.alive().contains(&id));
    assert_eq!(lab.vault(&["list", "ts/keys"]).code, 2);
}

#[test]
fn a_revocation_that_fails_is_tried_again_and_never_irrevocable_at_once() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, id) = lab.key();
    for (status, body) in [(500, ""), (403, "{}"), (401, "{}"), (429, "")] {
        lab.simulator
            .misbehave(Endpoint::Any, Fault::answer(status, &[], body), 40);
        let ran = lab.vault(&["lease", "revoke", "-sync", &lease]);
        assert_eq!(ran.code, 2, "{status}: {}", ran.stdout);
        lab.simulator.forgive();
        let lost = lab.done(&["read", "-format=json", "sys/leases", "type=irrevocable"]);
        let lost: Value = serde_json::from_str(&lost).unwrap();
        assert_eq!(lost["data"]["lease_count"], 0, "{status}: {lost}");
    }
    assert_eq!(lab.alive(), [id]);
    lab.done(&["lease", "revoke", "-sync", &lease]);
    assert!(lab.alive().is_empty());
}

#[test]
fn a_role_can_leave_keys_to_their_expiry_but_not_beyond_the_mount() {
    let Some(lab) = Lab::ready() else { return };
    lab.done(&["write", "ts/roles/web", "revoke=false"]);
    let (lease, id) = lab.key();
    lab.done(&["lease", "revoke", "-sync", &lease]);
    assert_eq!(lab.alive(), [id]);
    // One has a lease then, and the other one had one.
    lab.key();
    lab.done(&["secrets", "disable", "ts"]);
    assert!(lab.alive().is_empty());
}

#[test]
fn a_token_takes_its_keys_with_it() {
    let Some(lab) = Lab::ready() else { return };
    std::fs::write(
        lab.at("lab.hcl"),
        "path \"ts/creds/web\" { capabilities = [\"read\"] }",
    )
    .unwrap();
    let file = lab.at("lab.hcl").display().to_string();
    lab.done(&["policy", "write", "lab", &file]);
    let token = lab.done(&["token", "create", "-policy=lab", "-field=token"]);
    let read = |path: &str| {
        let mut command = lab.command(&["read", path]);
        command
            .env("VAULT_TOKEN", &token)
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(read("ts/creds/web") && !read("ts/config") && !read("ts/roles/web"));
    assert_eq!(lab.alive().len(), 1);
    lab.done(&["token", "revoke", &token]);
    wait_for(|| lab.alive().is_empty().then_some(()));
}

#[test]
fn a_key_whose_client_hangs_up_is_revoked() {
    let Some(lab) = Lab::ready() else { return };
    let mut client = lab.client_whose_key_is_held();
    client.kill().unwrap();
    client.wait().unwrap();
    lab.simulator.go_on();
    wait_for(|| (lab.simulator.keys().len() == 1 && lab.alive().is_empty()).then_some(()));
    wait_for(|| (lab.vault(&["list", "ts/keys"]).code == 2).then_some(()));
}
