//! Mounts that come, go, and are disabled.

use insta::assert_snapshot;
use tailmint_simulator::{Endpoint, Fault};

use crate::lab::{Lab, wait_for};

#[test]
fn a_mount_that_is_disabled_leaves_no_key_behind() {
    let Some(lab) = Lab::ready() else { return };
    for _ in 0..5 {
        lab.key();
    }
    assert_eq!(lab.alive().len(), 5);
    lab.done(&["secrets", "disable", "ts"]);
    assert!(lab.alive().is_empty());
    wait_for(|| lab.engine_process().is_none().then_some(()));
}

#[test]
fn a_mount_whose_revocations_fail_is_disabled_by_force() {
    let Some(lab) = Lab::ready() else { return };
    lab.key();
    lab.simulator
        .misbehave(Endpoint::Any, Fault::answer(500, &[], ""), 1000);
    assert_eq!(lab.vault(&["secrets", "disable", "ts"]).code, 2);
    assert_snapshot!(lab.transcript(&["read ts/config"]), @"
    $ vault read ts/config
    ! No value found at ts/config
    = 2
    ");
    lab.done(&["lease", "revoke", "-force", "-prefix", "ts/"]);
    lab.done(&["secrets", "disable", "ts"]);
    lab.simulator.forgive();
    assert_eq!(lab.alive().len(), 1);
}

#[test]
fn two_mounts_have_a_process_and_a_credential_each() {
    let Some(lab) = Lab::ready() else { return };
    lab.done(&["secrets", "enable", "-path=other", "tailmint"]);
    assert_eq!(lab.vault(&["read", "other/creds/web"]).code, 2);
    let (_, id) = lab.key();
    lab.done(&["secrets", "disable", "other"]);
    assert_eq!(lab.alive(), [id]);
}

#[test]
fn leases_outlive_a_seal_and_a_reload() {
    let Some(lab) = Lab::ready() else { return };
    let leases = [lab.key().0, lab.key().0, lab.key().0];
    lab.done(&["lease", "revoke", "-sync", &leases[0]]);
    lab.done(&["plugin", "reload", "-plugin=tailmint", "-type=secret"]);
    lab.done(&["lease", "revoke", "-sync", &leases[1]]);
    lab.done(&["operator", "seal"]);
    lab.unseal();
    lab.done(&["lease", "revoke", "-sync", &leases[2]]);
    assert!(lab.alive().is_empty());
}

#[test]
fn nobody_but_vault_starts_it() {
    let program = env!("CARGO_BIN_EXE_tailmint-vault-engine");
    let output = std::process::Command::new(program)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"
    error: this is a plugin of Vault, which starts it
    hint: put it into Vault's plugin_directory, then: vault plugin register; see --help
    ");
}
