//! The engine's process, or the API's response, is gone at the worst moment.

use std::{fs, process::Stdio};

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

/// Waits until the engine has stopped at its fail point.
fn stopped(lab: &Lab) {
    wait_for(|| {
        let process = lab.engine_process()?;
        let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let state = status.rsplit_once(") ")?.1.chars().next()?;
        (state == 'T').then_some(())
    });
}

#[test]
fn a_key_whose_engine_was_killed_is_found_by_its_description() {
    for point in ["engine-minted", "engine-leased"] {
        let fail_points = format!("{point}=return(hold)");
        let Some(lab) = Lab::ready_with(&[("FAILPOINTS", &fail_points)]) else {
            return;
        };
        let client = lab
            .command(&["read", "ts/creds/web"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        stopped(&lab);
        assert_eq!(lab.alive().len(), 1);
        lab.kill_engine();
        assert!(!client.wait_with_output().unwrap().status.success());
        assert_eq!(lab.alive().len(), 1);
        // Vault starts another once it knows, has it look for what was left behind, and
        // disables the mount.
        wait_for(|| (lab.vault(&["read", "ts/config"]).code == 0).then_some(()));
        lab.done(&["secrets", "disable", "ts"]);
        assert!(lab.alive().is_empty(), "{point}");
    }
}

#[test]
fn a_rotation_that_is_cut_off_leaves_one_client() {
    for (point, is_stored) in [
        ("engine-client-created", false),
        ("engine-client-stored", true),
    ] {
        let fail_points = format!("{point}=return(hold)");
        let Some(lab) = Lab::ready_with(&[("FAILPOINTS", &fail_points)]) else {
            return;
        };
        let old = lab.simulator.client("rotating").unwrap().id;
        let before = lab.simulator.clients().len();
        let mut client = lab
            .command(&["write", "-f", "ts/config/rotate-root"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        stopped(&lab);
        assert_eq!(lab.simulator.clients().len(), before + 1);
        client.kill().unwrap();
        client.wait().unwrap();
        lab.kill_engine();
        // The next process has a client that works, whichever it is.
        let named = wait_for(|| {
            let ran = lab.vault(&["read", "-field=client_id", "ts/config"]);
            (ran.code == 0).then_some(ran.stdout)
        });
        assert_eq!(named != old, is_stored, "{point}");
        lab.done(&["secrets", "disable", "ts"]);
        let clients = lab.simulator.clients();
        assert_eq!(clients.len(), before, "{point}");
        assert!(clients.iter().any(|client| client.id == named), "{point}");
    }
}
