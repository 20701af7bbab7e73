//! Machines do not join, and are told why.

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tailmint_simulator::{Endpoint, Fault, Simulator};

use super::{
    Node, Tailnet,
    join::{NOBODY, join_by_hand, up_as},
    namespace::{in_namespace, is_really_root},
    node::wait_until,
};
use crate::{ran::Ran, world::World};

impl Tailnet {
    /// Refused with this exit status and in these words, and no key is left.
    fn assert_refused(&self, node: &Node, ran: &Ran, code: i32, words: &str) {
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        // Where a login page is named, someone is asked to open it.
        let page = format!("{}/login", self.control.url);
        assert!(!ran.stderr.contains(&page), "{}", ran.stderr);
        assert_ne!(node.state(), "Running");
        assert_eq!(self.world.simulator.live_keys().len(), 0);
        self.assert_no_key_on_disk();
    }

    /// The API answers the next request for a key as it answered this one.
    fn answer_again(&self, of: &Simulator) {
        let requests = of.requests();
        let made = requests
            .iter()
            .rfind(|request| request.method == "POST" && request.path.ends_with("/keys"));
        let answer = made.unwrap().answer.clone().unwrap();
        let again = Fault::Answer {
            status: answer.status,
            headers: Vec::new(),
            body: answer.body,
        };
        self.world.simulator.misbehave(Endpoint::Keys, again, 1);
    }
}

/// How long it may take to be told, beyond what a busy machine adds.
fn told(what: &str, begun: Instant) {
    println!("{what}: told after {} ms", begun.elapsed().as_millis());
}

#[test]
fn keys_that_the_control_server_does_not_take() {
    in_namespace(|programs| {
        for (what, words) in [
            ("revoked", "invalid key: API key does not exist"),
            ("used", "not valid"),
            ("expired", "invalid key: API key does not exist"),
            ("foreign", "invalid key: API key does not exist"),
        ] {
            let tailnet = Tailnet::new(programs.clone());
            let world = &tailnet.world;
            match what {
                "revoked" => {
                    assert_eq!(world.run(&["mint"]).code, 0);
                    let id = world.simulator.keys()[0].id.clone();
                    assert_eq!(world.run(&["keys", "revoke", &id]).code, 0);
                    tailnet.answer_again(&world.simulator);
                }
                "used" => {
                    let once = world.run(&["mint", "--single-use"]).stdout;
                    let first = tailnet.node("first");
                    assert!(
                        join_by_hand(&tailnet, &first, once.trim_end())
                            .status
                            .success()
                    );
                    tailnet.answer_again(&world.simulator);
                }
                "expired" => {
                    assert_eq!(world.run(&["mint"]).code, 0);
                    world
                        .simulator
                        .advance(std::time::Duration::from_secs(3601));
                    tailnet.answer_again(&world.simulator);
                }
                _ => {
                    let elsewhere = World::new();
                    assert_eq!(elsewhere.run(&["mint"]).code, 0);
                    tailnet.answer_again(&elsewhere.simulator);
                }
            }
            let node = tailnet.node("a");
            let begun = Instant::now();
            // What is granted is compared with what is asked for.
            let flags: &[&str] = if what == "used" {
                &["--single-use"]
            } else {
                &[]
            };
            let ran = tailnet.up(&node, flags, &[]);
            told(what, begun);
            tailnet.assert_refused(&node, &ran, 21, words);
            assert!(
                ran.stderr
                    .starts_with("error: the control server rejected the key"),
                "{}",
                ran.stderr
            );
        }
    });
}

#[test]
fn an_empty_key_is_not_handed_over() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        let empty = Fault::Answer {
            status: 200,
            headers: Vec::new(),
            body: r#"{"id":"kX1CNTRL","key":"","created":"2026-01-01T00:00:00Z","expires":"2026-01-01T01:00:00Z"}"#.to_owned(),
        };
        tailnet.world.simulator.misbehave(Endpoint::Keys, empty, 1);
        let ran = tailnet.up(&node, &[], &[]);
        // Its id is known, so that it is revoked. This server knows no such key.
        tailnet.assert_refused(&node, &ran, 15, "key kX1CNTRL came without its secret");
        assert!(
            ran.stderr.contains("tailmint keys revoke kX1CNTRL"),
            "{}",
            ran.stderr
        );
        assert_eq!(node.state(), "NeedsLogin");
    });
}

#[test]
fn a_control_server_that_is_not_there() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        let ran = tailnet
            .bare_up(&node, &["--timeout=2s"])
            .args(&["--", "--login-server=http://127.0.0.1:9"])
            .run();
        assert_eq!(ran.code, 21, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("did not join within 2s"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("fetch control key"), "{}", ran.stderr);
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
        assert_eq!(tailnet.world.simulator.live_keys().len(), 0);
    });
}

#[test]
fn an_administrator_is_waited_for_no_longer_than_needed() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        let begun = Instant::now();
        let ran = tailnet.up(&node, &["--no-preauthorized"], &[]);
        told("needs approval", begun);
        tailnet.assert_refused(&node, &ran, 21, "waits for an administrator to approve it");
        assert_eq!(node.state(), "NeedsMachineAuth");
        // And a second time no key is made for it.
        let ran = tailnet.up(&node, &[], &[]);
        tailnet.assert_refused(&node, &ran, 21, "waits for an administrator to approve it");
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
    });
}

#[test]
fn a_daemon_that_does_not_run() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let ran = tailnet
            .world
            .tailmint(&["up", "--tailscale"])
            .arg(tailnet.programs.tailscale())
            .arg("--socket")
            .arg(tailnet.world.path().join("no-socket"))
            .run();
        assert_eq!(ran.code, 21, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("error: tailscaled is not running on this machine\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(tailnet.world.simulator.connections(), 0);
    });
}

#[test]
fn a_user_who_may_not_change_tailscale() {
    in_namespace(|programs| {
        if !is_really_root() {
            // There is no second user to be.
            return;
        }
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        // Who is neither root nor the daemon's user may look, and not change.
        let ran = up_as(&tailnet, &node, NOBODY);
        tailnet.assert_refused(&node, &ran, 21, "this user may not change tailscale");
    });
}

#[test]
fn settings_that_tailscale_wants_repeated() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &["--revoke"], &[]));
        assert!(node.tailscale(&["down"]).status.success());
        let ran = tailnet
            .bare_up(&node, &[])
            .args(&["--", "--hostname=other"])
            .run();
        assert_eq!(ran.code, 21, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("error: the machine has settings that tailscale up wants repeated\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(node.state(), "Stopped");
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
    });
}

#[test]
fn signals_while_waiting_revoke_the_key() {
    in_namespace(|programs| {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let tailnet = Tailnet::new(programs.clone());
            let node = tailnet.node("a");
            let child = tailnet
                .bare_up(&node, &[])
                .args(&["--", "--login-server=http://127.0.0.1:9"])
                .spawn();
            wait_until("the daemon tries to reach the control server", || {
                node.log().contains("127.0.0.1:9")
            });
            kill_process(Pid::from_child(&child), signal).unwrap();
            let begun = Instant::now();
            let ran = tailnet.world.finish(child);
            told("signal", begun);
            assert_eq!(ran.code, code, "{}", ran.stderr);
            assert!(
                ran.stderr.starts_with("error: interrupted; key "),
                "{}",
                ran.stderr
            );
            assert_eq!(tailnet.world.simulator.keys().len(), 1);
            assert_eq!(tailnet.world.simulator.live_keys().len(), 0);
        }
    });
}
