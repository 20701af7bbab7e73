//! `tailmint up --ssh`: real `sshd`, real `ssh`, real daemons.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Node, Tailnet,
    container::{assert_no_key_in_processes, mount_empty},
    namespace::in_container,
    node::wait_until,
};
use crate::{case::Case, installed::is_installed};

const SSHD: &str = "/usr/sbin/sshd";
const SSH_DIRECTORY: &str = "/root/.ssh";

fn has_sshd() -> bool {
    is_installed(Path::new(SSHD).exists(), "sshd", "other machines")
}

/// Machines that are reached by ssh: an `sshd` each, which ends with the test.
struct Machines<'a> {
    tailnet: &'a Tailnet,
    servers: Vec<Child>,
}

impl Drop for Machines<'_> {
    fn drop(&mut self) {
        for server in &mut self.servers {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

fn keygen(at: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(at)
        .stdin(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

fn append(file: &str, lines: &str) {
    let path = Path::new(SSH_DIRECTORY).join(file);
    let text = fs::read_to_string(&path).unwrap_or_default() + lines;
    fs::write(path, text).unwrap();
}

/// How `ssh` finds it.
fn name_for_ssh(name: &str, port: u16) {
    append(
        "config",
        &format!("Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  User root\n"),
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl<'a> Machines<'a> {
    /// None yet, and a user with a key for `ssh`.
    fn new(tailnet: &'a Tailnet) -> Self {
        // What the machine's shells read at their start is not what is tested.
        mount_empty("/root");
        fs::create_dir(SSH_DIRECTORY).unwrap();
        fs::set_permissions(SSH_DIRECTORY, Permissions::from_mode(0o700)).unwrap();
        mount_empty("/run/sshd");
        tailnet
            .world
            .policy("version = 1\n[ssh]\nhosts = [\"*\"]\n");
        keygen(&Path::new(SSH_DIRECTORY).join("id_ed25519"));
        let own = fs::read_to_string(Path::new(SSH_DIRECTORY).join("id_ed25519.pub")).unwrap();
        fs::write(Path::new(SSH_DIRECTORY).join("authorized_keys"), own).unwrap();
        Self {
            tailnet,
            servers: Vec::new(),
        }
    }

    /// A machine of this name, on which `tailscale` is this script.
    fn add(&mut self, name: &str, tailscale: &str) {
        let directory = self.directory(name);
        fs::create_dir_all(directory.join("bin")).unwrap();
        if !tailscale.is_empty() {
            let program = directory.join("bin/tailscale");
            fs::write(&program, format!("#!/bin/sh\n{tailscale}\n")).unwrap();
            fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
        }
        let host_key = directory.join("host-key");
        keygen(&host_key);
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPermitRootLogin yes\nSetEnv PATH={}:/usr/bin:/bin\n",
            host_key.display(),
            directory.join("bin").display(),
        );
        fs::write(directory.join("sshd_config"), config).unwrap();
        let server = Command::new(SSHD)
            .args(["-D", "-q", "-f"])
            .arg(directory.join("sshd_config"))
            .stdin(Stdio::null())
            .spawn();
        self.servers.push(server.unwrap());
        wait_until("sshd listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        name_for_ssh(name, port);
        let public = fs::read_to_string(directory.join("host-key.pub")).unwrap();
        append("known_hosts", &format!("[127.0.0.1]:{port} {public}"));
    }

    /// A machine with a daemon of its own.
    fn add_node(&mut self, name: &str) -> Node {
        let node = self.tailnet.node(name);
        let script = format!(
            "exec {} --socket={} \"$@\"",
            self.tailnet.programs.tailscale().display(),
            node.socket().display()
        );
        self.add(name, &script);
        node
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.tailnet.world.path().join(format!("{name}-machine"))
    }

    /// `tailmint up --ssh` for these.
    fn up(&self, flags: &[&str], hosts: &[&str]) -> Case<'_> {
        self.tailnet
            .world
            .tailmint(&["up"])
            .args(flags)
            .arg("--ssh")
            .args(hosts)
            .arg("--")
            .arg(format!("--login-server={}", self.tailnet.control.url))
    }
}

#[test]
fn eight_machines_join_with_a_key_each_beside_some_that_do_not() {
    if !has_sshd() {
        return;
    }
    in_container(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut machines = Machines::new(&tailnet);
        let names = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];
        let nodes = names.map(|name| machines.add_node(name));
        // One that has no tailscale, one whose key nobody knows, and one that says nothing.
        machines.add("bare", "");
        let stranger = free_port();
        name_for_ssh("stranger", stranger);
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        name_for_ssh("silent", silent.local_addr().unwrap().port());

        let all = [&names[..], &["bare", "stranger", "silent"]].concat();
        let mut child = machines.up(&["--timeout=60s"], &all).spawn();
        while child.try_wait().unwrap().is_none() {
            assert_no_key_in_processes(&tailnet);
        }
        let ran = tailnet.world.finish(child);
        assert_eq!(ran.code, 21, "{}", ran.stderr);
        for (name, node) in names.iter().zip(&nodes) {
            let line = format!("{name}: ");
            assert!(
                ran.stdout.contains(&line),
                "{name}: {}\n{}",
                ran.stdout,
                ran.stderr
            );
            assert_eq!(node.state(), "Running");
        }
        for (host, words) in [
            ("bare", "it has no command tailscale"),
            ("stranger", "ssh could not run a command on it"),
            ("silent", "did not respond within"),
        ] {
            let error = format!("error: {host}: ");
            let line = ran.stderr.lines().find(|line| line.starts_with(&error));
            assert!(
                line.is_some_and(|line| line.contains(words)),
                "{}",
                ran.stderr
            );
        }
        assert!(
            ran.stderr.ends_with("8 of 11 machines are connected\n"),
            "{}",
            ran.stderr
        );
        // A key each, for a single use: none joins anything more.
        let keys = tailnet.world.simulator.keys();
        assert_eq!(keys.len(), names.len());
        assert!(keys.iter().all(|key| !key.reusable));
        tailnet.assert_no_key_on_disk();

        // Once more: all are connected, and no key is minted.
        let ran = machines.up(&["--json"], &names).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout.lines().count(), names.len());
        assert!(
            ran.stdout
                .lines()
                .all(|line| line.contains(r#""how":"set""#)),
            "{}",
            ran.stdout
        );
        assert_eq!(tailnet.world.simulator.keys().len(), names.len());
    });
}

#[test]
fn a_tailmint_that_is_killed_leaves_no_key_that_is_not_revoked_by_the_next() {
    if !has_sshd() {
        return;
    }
    in_container(|programs| {
        let tailnet = Tailnet::new(programs);
        let mut machines = Machines::new(&tailnet);
        let node = machines.add_node("h1");
        let second = tailnet.node("h2");
        // It reads the key, and then does nothing with it.
        let hangs = format!(
            "case \"$*\" in *file:/dev/stdin*) cat >/dev/null; exec sleep 300 ;; esac\n\
             exec {} --socket={} \"$@\"",
            tailnet.programs.tailscale().display(),
            second.socket().display()
        );
        machines.add("h2", &hangs);
        let mut child = machines.up(&[], &["h1", "h2"]).spawn();
        wait_until("both have their keys", || {
            tailnet.world.simulator.keys().len() == 2 && node.state() == "Running"
        });
        kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap();
        assert_ne!(second.state(), "Running");
        let ran = tailnet.world.run(&["keys", "revoke", "--minted"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(tailnet.world.simulator.live_keys().len(), 0);
    });
}
