//! Machines join.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use super::{
    Node, Tailnet,
    namespace::{in_namespace, is_really_root},
    node::wait_until,
};
use crate::{case::program, ran::Ran};

/// A user who is nobody in particular.
pub(super) const NOBODY: u32 = 65534;

#[test]
fn two_nodes_join_and_reach_each_other() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (a, b) = (tailnet.node("a"), tailnet.node("b"));
        for node in [&a, &b] {
            let ran = tailnet.up(node, &[], &[]);
            tailnet.assert_joined(node, &ran);
            assert_eq!(ran.stderr, "");
            let name = format!(
                "{}.tailnet.invalid joined the tailnet: 100.64.0.",
                node.name
            );
            assert!(ran.stdout.starts_with(&name), "{}", ran.stdout);
        }
        println!(
            "{}",
            String::from_utf8_lossy(&a.tailscale(&["status"]).stdout)
        );
        println!(
            "{} {}",
            a.status()["Self"]["DNSName"],
            a.status()["Self"]["Tags"]
        );
        let ping = a.tailscale(&["ping", "--c=3", "--timeout=10s", "b"]);
        assert!(ping.status.success(), "{ping:?}");
        // A key each, which still join machines.
        assert_eq!(tailnet.world.simulator.live_keys().len(), 2);
        let nodes = tailnet.control.nodes();
        assert_eq!(nodes.len(), 2);
        assert!(nodes.iter().all(|node| node["ephemeral"] == true));
    });
}

#[test]
fn an_ordinary_user_joins() {
    in_namespace(|programs| {
        if !is_really_root() {
            // Then all others of these tests are run by an ordinary user.
            return;
        }
        let tailnet = Tailnet::new(programs);
        let node = Node::start_as(&tailnet.programs, &tailnet.world, "a", Some(NOBODY));
        let ran = up_as(&tailnet, &node, NOBODY);
        tailnet.assert_joined(&node, &ran);
    });
}

/// `tailmint up` on the node by another user, for whom everything is laid out
/// that they could not reach.
pub(super) fn up_as(tailnet: &Tailnet, node: &Node, user: u32) -> Ran {
    let world = &tailnet.world;
    let open = |path: &Path| {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    };
    let secrets = world.path().join("secrets-of-user");
    fs::create_dir(&secrets).unwrap();
    world.simulator.write_secrets(&secrets).unwrap();
    for entry in fs::read_dir(&secrets).unwrap() {
        std::os::unix::fs::chown(entry.unwrap().path(), Some(user), None).unwrap();
    }
    open(world.path());
    open(&world.path().join(&node.name));
    let bin = tempfile::tempdir().unwrap();
    open(bin.path());
    std::os::unix::fs::chown(bin.path(), Some(user), None).unwrap();
    let tailscale = bin.path().join("tailscale");
    fs::copy(tailnet.programs.tailscale(), &tailscale).unwrap();
    world
        .bare(&["up", "--secrets-dir"])
        .arg(secrets)
        .arg("--connect-to")
        .arg(world.simulator.address().to_string())
        .arg("--ca-file")
        .arg(world.path().join("ca.pem"))
        .arg("--audit-file")
        .arg(bin.path().join("audit.jsonl"))
        .arg("--tailscale")
        .arg(tailscale)
        .arg("--socket")
        .arg(node.socket())
        .arg("--")
        .arg(format!("--login-server={}", tailnet.control.url))
        .of_user(user, &bin.path().join("tailmint"))
        .run()
}

#[test]
fn a_running_node_is_left_alone() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        let requests = tailnet.world.simulator.requests().len();
        let ran = tailnet.up(&node, &[], &[]);
        tailnet.assert_joined(&node, &ran);
        assert!(
            ran.stdout.contains("was already connected"),
            "{}",
            ran.stdout
        );
        // Just restarted: it has to remember first.
        node.restart();
        let ran = tailnet.up(&node, &[], &[]);
        tailnet.assert_joined(&node, &ran);
        assert!(
            ran.stdout.contains("was already connected"),
            "{}",
            ran.stdout
        );
        assert_eq!(tailnet.world.simulator.requests().len(), requests);
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
    });
}

#[test]
fn a_stopped_node_is_brought_up_without_a_key() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        for restart in [false, true] {
            assert!(node.tailscale(&["down"]).status.success());
            if restart {
                node.restart();
            }
            assert_eq!(node.state(), "Stopped");
            let ran = tailnet.bare_up(&node, &[]).run();
            tailnet.assert_joined(&node, &ran);
            assert!(ran.stdout.contains("is up again"), "{}", ran.stdout);
        }
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
    });
}

#[test]
fn a_stopped_node_that_was_removed_joins_anew() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        assert!(node.tailscale(&["down"]).status.success());
        // A daemon remembers the key that it had, until it ends.
        node.restart();
        assert_eq!(node.state(), "Stopped");
        // It is ephemeral.
        wait_until("the node is gone", || tailnet.control.nodes().is_empty());
        let mut ran = tailnet.up(&node, &[], &[]);
        // Some daemons forget the login page that they were shown: they say that
        // they are Running, and nothing but silence tells otherwise.
        if ran.code == 21 {
            assert!(
                ran.stderr.contains("does not hear from its control server"),
                "{}",
                ran.stderr
            );
            ran = tailnet.up(&node, &["--force"], &[]);
        }
        tailnet.assert_joined(&node, &ran);
        assert_eq!(tailnet.world.simulator.keys().len(), 2);
    });
}

#[test]
fn force_joins_anew() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        let before = node.status()["Self"]["PublicKey"].clone();
        let ran = tailnet.up(&node, &["--force"], &[]);
        tailnet.assert_joined(&node, &ran);
        assert!(ran.stdout.contains("joined the tailnet"), "{}", ran.stdout);
        assert_ne!(node.status()["Self"]["PublicKey"], before);
        // The control server saw the second key.
        let keys = tailnet.world.simulator.keys();
        assert_eq!(keys.len(), 2);
        assert_eq!(tailnet.control.nodes()[0]["key"], keys[1].id.as_str());
    });
}

#[test]
fn revoke_leaves_no_key_and_the_node_in() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        let ran = tailnet.up(&node, &["--revoke"], &[]);
        tailnet.assert_joined(&node, &ran);
        assert_eq!(tailnet.world.simulator.keys().len(), 1);
        assert_eq!(tailnet.world.simulator.live_keys().len(), 0);
        assert_eq!(node.state(), "Running");
        // It joins no other machine.
        let other = tailnet.node("b");
        let key = &tailnet.world.simulator.keys()[0].key;
        let joined = join_by_hand(&tailnet, &other, key);
        assert!(!joined.status.success(), "{joined:?}");
    });
}

/// `tailscale up` with the key, as someone without tailmint would.
pub(super) fn join_by_hand(tailnet: &Tailnet, node: &Node, key: &str) -> std::process::Output {
    node.tailscale(&[
        "up",
        &format!("--auth-key={key}"),
        &format!("--login-server={}", tailnet.control.url),
        &format!("--hostname={}", node.name),
        "--timeout=20s",
    ])
}

#[test]
fn a_reusable_key_joins_two_and_one_for_single_use_one() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (a, b, c) = (tailnet.node("a"), tailnet.node("b"), tailnet.node("c"));
        let key = tailnet.world.run(&["mint"]).stdout;
        for node in [&a, &b] {
            let joined = join_by_hand(&tailnet, node, key.trim_end());
            assert!(joined.status.success(), "{joined:?}");
            assert_eq!(node.state(), "Running");
        }
        let once = tailnet.world.run(&["mint", "--single-use"]).stdout;
        assert!(join_by_hand(&tailnet, &c, once.trim_end()).status.success());
        let d = tailnet.node("d");
        let refused = join_by_hand(&tailnet, &d, once.trim_end());
        assert!(!refused.status.success());
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains("invalid key"),
            "{refused:?}"
        );
    });
}

#[test]
fn logout_removes_the_ephemeral_node() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let node = tailnet.node("a");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        assert_eq!(tailnet.control.nodes().len(), 1);
        assert!(node.tailscale(&["logout"]).status.success());
        wait_until("the node is gone", || tailnet.control.nodes().is_empty());
        // And it can join again.
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
    });
}

#[test]
fn keep_tells_what_a_person_did_from_what_the_server_did() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut node = tailnet.node("a");
        let file = tailnet.world.path().join("connected");
        let flags = ["--keep", file.to_str().unwrap()];
        let keep = |node: &Node| tailnet.up(node, &flags, &[]);
        let keys = || tailnet.world.simulator.keys().len();
        tailnet.assert_joined(&node, &keep(&node));
        let ran = keep(&node);
        assert!(ran.stdout.contains("already connected"), "{}", ran.stdout);

        // A person takes it down.
        assert!(node.tailscale(&["down"]).status.success());
        let ran = keep(&node);
        assert!(ran.stdout.contains("was taken down"), "{}", ran.stdout);
        node.restart();
        let ran = keep(&node);
        assert!(ran.stdout.contains("was taken down"), "{}", ran.stdout);
        assert_eq!(node.state(), "Stopped");
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        keep(&node);
        let before = keys();

        // The server removes it.
        tailnet.control.remove("a");
        wait_until("it is out", || node.state() == "NeedsLogin");
        let ran = keep(&node);
        tailnet.assert_joined(&node, &ran);
        assert_eq!(keys(), before + 1);

        // A person logs it out.
        assert!(node.tailscale(&["logout"]).status.success());
        for restart in [false, true] {
            if restart {
                node.restart();
            }
            let ran = keep(&node);
            assert!(ran.stdout.contains("was logged out"), "{}", ran.stdout);
        }
        assert_eq!(keys(), before + 1);
        // And in again.
        tailnet.assert_joined(&node, &tailnet.up(&node, &[], &[]));
        let ran = keep(&node);
        assert!(ran.stdout.contains("already connected"), "{}", ran.stdout);
    });
}

#[test]
fn the_lines_of_the_guide_join_too() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let guide = include_str!("../../../docs/guide.md");
        let lines: Vec<_> = guide
            .lines()
            .skip_while(|line| *line != "## Call tailscale up yourself")
            .skip_while(|line| *line != "```sh")
            .skip(1)
            .take_while(|line| *line != "```")
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for (index, line) in lines.iter().enumerate() {
            let node = tailnet.node(&format!("n{index}"));
            // What the reader has in $PATH, led to this tailnet.
            let bin = tailnet.world.path().join(format!("bin{index}"));
            fs::create_dir(&bin).unwrap();
            let wrap = |name: &str, command: String| {
                let path = bin.join(name);
                fs::write(&path, format!("#!/bin/sh\n{command}\n")).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            };
            wrap(
                "tailscale",
                format!(
                    r#"exec {} --socket={} "$@" --login-server={} --timeout=20s"#,
                    tailnet.programs.tailscale().display(),
                    node.socket().display(),
                    tailnet.control.url
                ),
            );
            wrap(
                "tailmint",
                format!(
                    r#"exec {} --secrets-dir={} --connect-to={} --ca-file={} "$@""#,
                    program().display(),
                    tailnet.world.secrets().display(),
                    tailnet.world.simulator.address(),
                    tailnet.world.path().join("ca.pem").display()
                ),
            );
            let output = Command::new("sh")
                .args(["-c", line])
                .env_clear()
                .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
                .env("HOME", tailnet.world.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{line}: {output:?}");
            assert_eq!(node.state(), "Running", "{line}");
        }
    });
}
