//! The engine's process, or the API's response, is gone at the worst moment.

use std::path::Path;

use tailmint_simulator::{Endpoint, Fault};

use crate::lab::{Lab, wait_for};

#[test]
fn a_key_of_a_lost_response_is_found_by_its_description() {
    let Some(lab) = Lab::ready() else { return };
    let (lease, id) = lab.key();
    lab.simulator
        .misbehave(Endpoint::Keys, Fault::LoseAnswer, 1);
    let ran = lab.vault(&["read", "ts/creds/web"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("Code: 502"), "{}", ran.stderr);
    assert_eq!(lab.alive().len(), 2);
    // Before it is disabled Vault has what is left behind looked for; the lease's key is not
    // among it.
    lab.simulator
        .misbehave(Endpoint::Any, Fault::answer(500, &[], ""), 1000);
    assert_eq!(lab.vault(&["secrets", "disable", "ts"]).code, 2);
    assert_eq!(lab.alive().len(), 2);
    lab.simulator.forgive();
    lab.done(&["secrets", "disable", "ts"]);
    assert!(lab.alive().is_empty(), "{id} {lease}");
}

#[test]
fn what_is_left_behind_is_looked_for_every_minute() {
    let Some(lab) = Lab::ready() else { return };
    let (_, id) = lab.key();
    lab.simulator
        .misbehave(Endpoint::Keys, Fault::LoseAnswer, 1);
    assert_eq!(lab.vault(&["read", "ts/creds/web"]).code, 2);
    assert_eq!(lab.alive().len(), 2);
    let begun = std::time::Instant::now();
    while lab.alive().len() > 1 {
        // A minute until it is nobody's, and another until Vault asks.
        assert!(begun.elapsed().as_secs() < 180, "waited in vain");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(lab.alive(), [id]);
}

#[cfg(feature = "failpoints")]
#[test]
fn a_key_whose_engine_was_killed_is_found_by_its_description() {
    for (point, alive) in [
        ("engine-written-down", 0),
        ("engine-minted", 1),
        ("engine-leased", 1),
    ] {
        let fail_points = format!("{point}=return(kill)");
        let Some(lab) = Lab::ready_with(&[("FAILPOINTS", &fail_points)]) else {
            return;
        };
        let first = lab.engine_process();
        assert_eq!(lab.vault(&["read", "ts/creds/web"]).code, 2, "{point}");
        assert_eq!(lab.alive().len(), alive, "{point}");
        // Vault starts another once it knows, has it look for what was left behind, and
        // disables the mount.
        wait_for(|| (lab.vault(&["read", "ts/config"]).code == 0).then_some(()));
        assert_ne!(lab.engine_process(), first, "{point}");
        lab.done(&["secrets", "disable", "ts"]);
        assert!(lab.alive().is_empty(), "{point}");
    }
}

#[test]
fn a_key_that_is_minted_while_vault_is_killed_is_revoked() {
    let Some(mut lab) = Lab::ready() else { return };
    let mut client = lab.client_whose_key_is_held();
    let engine = lab.engine_process().unwrap();
    lab.kill_vault();
    lab.simulator.go_on();
    wait_for(|| (lab.simulator.keys().len() == 1 && lab.alive().is_empty()).then_some(()));
    wait_for(|| (!Path::new(&format!("/proc/{engine}")).exists()).then_some(()));
    assert!(!client.wait().unwrap().success());
}

#[cfg(feature = "failpoints")]
#[test]
fn a_rotation_that_is_cut_off_leaves_one_client() {
    for (point, is_stored) in [
        ("engine-client-created", false),
        ("engine-client-stored", true),
    ] {
        let fail_points = format!("{point}=return(kill)");
        let Some(lab) = Lab::ready_with(&[("FAILPOINTS", &fail_points)]) else {
            return;
        };
        let old = lab.simulator.client("rotating").unwrap().id;
        let before = lab.simulator.clients().len();
        let rotated = lab.vault(&["write", "-f", "ts/config/rotate-root"]);
        assert_eq!(rotated.code, 2, "{point}");
        assert_eq!(lab.simulator.clients().len(), before + 1, "{point}");
        // The next process has a client that works, whichever it is.
        let named = wait_for(|| {
            let ran = lab.vault(&["read", "-field=client_id", "ts/config"]);
            (ran.code == 0).then_some(ran.stdout)
        });
        assert_eq!(named != old, is_stored, "{point}");
        let check = lab.json("read", "ts/config/check");
        assert_eq!(check["data"]["mints"], true, "{point}");
        lab.done(&["secrets", "disable", "ts"]);
        let clients = lab.simulator.clients();
        assert_eq!(clients.len(), before, "{point}");
        assert!(clients.iter().any(|client| client.id == named), "{point}");
    }
}
