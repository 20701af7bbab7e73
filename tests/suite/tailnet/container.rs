//! A container as its owner runs it: a user with `sudo`, no service manager, no daemon.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{Tailnet, namespace::in_container, node::wait_until};
use crate::{case::program, installed::is_installed, recipes::page::Page, world::holds};

const USER: u32 = 1000;
const HOME: &str = "/home/tazpod";

fn has_sudo() -> bool {
    let found = Command::new("sudo").arg("--version").output().is_ok();
    is_installed(found, "sudo", "a container")
}

/// An empty directory in place of what the machine has there.
pub(super) fn mount_empty(at: &str) {
    fs::create_dir_all(at).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", at])
        .status()
        .unwrap();
    assert!(mounted.success(), "{at}");
}

/// The file with lines before its own, for this test alone: the machine may have a user of
/// that number already.
fn add_lines(file: &str, lines: &str, scratch: &Path) {
    let text = lines.to_owned() + &fs::read_to_string(file).unwrap();
    let copy = scratch.join(file.replace('/', "_"));
    fs::write(&copy, text).unwrap();
    let mode = fs::metadata(file).unwrap().permissions();
    fs::set_permissions(&copy, mode).unwrap();
    let mounted = Command::new("mount")
        .arg("--bind")
        .arg(&copy)
        .arg(file)
        .status();
    assert!(mounted.unwrap().success(), "{file}");
}

fn install(from: &Path, to: &str, mode: u32) {
    fs::copy(from, to).unwrap();
    fs::set_permissions(to, Permissions::from_mode(mode)).unwrap();
}

/// Lays the container out, with the files that the page has. What the page has for the
/// start-up file of the shell comes back.
fn lay_out(tailnet: &Tailnet) -> String {
    let world = &tailnet.world;
    for directory in [
        "/run",
        "/var/lib",
        "/var/log",
        "/home",
        "/root",
        "/usr/local/bin",
        "/etc/default",
        "/etc/sudoers.d",
        "/dev/net",
    ] {
        mount_empty(directory);
    }
    let scratch = world.path();
    add_lines(
        "/etc/passwd",
        &format!("tazpod:x:{USER}:{USER}::{HOME}:/bin/sh\n"),
        scratch,
    );
    add_lines("/etc/group", &format!("tazpod:x:{USER}:\n"), scratch);
    add_lines("/etc/shadow", "tazpod:*:19000:0:99999:7:::\n", scratch);
    fs::write("/etc/sudoers.d/tazpod", "tazpod ALL=(ALL) NOPASSWD: ALL\n").unwrap();
    fs::write(
        "/etc/default/tailscaled",
        "FLAGS=\"--no-logs-no-support\"\nPORT=0\nTS_ASSUME_NETWORK_UP_FOR_TEST=1\n\
         TS_DISABLE_PORTMAPPER=1\nTS_PANIC_IF_HIT_MAIN_CONTROL=1\n",
    )
    .unwrap();
    let programs = &tailnet.programs;
    install(&programs.tailscale(), "/usr/local/bin/tailscale", 0o755);
    install(&programs.tailscaled(), "/usr/local/bin/tailscaled", 0o755);
    install(&program(), "/usr/local/bin/tailmint-itself", 0o755);
    install(&world.path().join("ca.pem"), "/usr/local/bin/ca.pem", 0o644);
    // What leads it to the simulated API, which a user does not give.
    let led = format!(
        "#!/bin/sh\nexec tailmint-itself --ca-file /usr/local/bin/ca.pem --connect-to {} \"$@\"\n",
        world.simulator.address()
    );
    fs::write("/usr/local/bin/tailmint", led).unwrap();
    fs::set_permissions("/usr/local/bin/tailmint", Permissions::from_mode(0o755)).unwrap();

    let mut page = Page::open("tazpod");
    let login_server = format!("up = [\"--login-server={}\", ", tailnet.control.url);
    let config = page.take("toml").replace("up = [", &login_server);
    let script = page.take("sh");
    let at_login = page.take("sh");
    let secrets = format!("{HOME}/secrets");
    let config_directory = format!("{HOME}/.config/tailmint");
    fs::create_dir_all(&config_directory).unwrap();
    mount_empty(&secrets);
    fs::write(format!("{config_directory}/config.toml"), config).unwrap();
    let command = "/usr/local/bin/tazpod-tailscale-up";
    fs::write(command, script).unwrap();
    fs::set_permissions(command, Permissions::from_mode(0o755)).unwrap();
    world.simulator.write_secrets(Path::new(&secrets)).unwrap();
    // As some of the owner's files are.
    let quoted = Path::new(&secrets).join("tailscale-oauth-client-id");
    let id = fs::read_to_string(&quoted).unwrap();
    fs::write(&quoted, format!("\"{}\"\n", id.trim())).unwrap();
    fs::set_permissions(&secrets, Permissions::from_mode(0o700)).unwrap();
    give_to_user(Path::new(HOME));
    at_login
}

fn give_to_user(path: &Path) {
    chown(path, Some(USER), Some(USER)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to_user(&entry.unwrap().path());
        }
    }
}

/// Runs the command line as the container's user, whose environment is nearly empty.
fn as_user(line: &str) -> Output {
    Command::new("setpriv")
        .args([
            &format!("--reuid={USER}"),
            &format!("--regid={USER}"),
            "--clear-groups",
            "--",
            "sh",
            "-c",
            line,
        ])
        .env_clear()
        .env("HOME", HOME)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(HOME)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap()
}

fn in_json(arguments: &[&str]) -> Value {
    let output = Command::new("/usr/local/bin/tailscale")
        .args(arguments)
        .output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

/// It is Running with the tag and all settings, and no key is where it does not belong.
fn assert_set_up(tailnet: &Tailnet, output: &Output, name: &str) {
    let log = fs::read_to_string("/var/log/tailscaled.log").unwrap_or_default();
    assert!(output.status.success(), "{}\n{log}", told(output));
    let status = in_json(&["status", "--json"]);
    assert_eq!(status["BackendState"], "Running");
    assert_eq!(status["Self"]["Tags"], json!(["tag:tazpod"]));
    let full_name = status["Self"]["DNSName"].as_str().unwrap();
    assert!(full_name.starts_with(&format!("{name}.")), "{full_name}");
    let prefs = in_json(&["debug", "prefs"]);
    assert_eq!(prefs["RunSSH"], true);
    assert_eq!(prefs["RouteAll"], true);
    assert_eq!(prefs["CorpDNS"], false);
    assert_no_key(tailnet);
}

fn every_file(directory: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            every_file(&entry.path(), each);
        } else if kind.is_file() {
            each(&entry.path());
        }
    }
}

/// The keys are in no file, on no command line and in no environment.
fn assert_no_key(tailnet: &Tailnet) {
    let keys = tailnet.world.simulator.keys();
    let clean = |path: &Path| {
        let text = fs::read(path).unwrap_or_default();
        for key in &keys {
            assert!(!holds(&text, &key.key), "a key in {}", path.display());
        }
    };
    for directory in ["/home", "/run", "/var/lib", "/var/log"] {
        every_file(Path::new(directory), &mut |path| clean(path));
    }
    assert_no_key_in_processes(tailnet);
}

/// The keys are on no command line and in no environment.
pub(super) fn assert_no_key_in_processes(tailnet: &Tailnet) {
    let keys = tailnet.world.simulator.keys();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        for what in ["cmdline", "environ"] {
            let text = fs::read(process.path().join(what)).unwrap_or_default();
            for key in &keys {
                assert!(!holds(&text, &key.key), "a key in the {what} of a process");
            }
        }
    }
}

fn end_daemon() {
    Command::new("pkill")
        .args(["-x", "tailscaled"])
        .status()
        .unwrap();
    wait_until("tailscaled has ended", || {
        // Nobody waits for those that have ended: they stay, without a command line.
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.map(|it| fs::read(it.path().join("cmdline")));
        !lines.any(|line| line.is_ok_and(|line| holds(&line, "tailscaled")))
    });
}

#[test]
fn the_script_of_the_page_joins_a_container() {
    if !has_sudo() {
        return;
    }
    in_container(|programs| {
        let tailnet = Tailnet::new(programs);
        let at_login = lay_out(&tailnet);
        let keys = || tailnet.world.simulator.keys().len();
        let output = as_user("tazpod-tailscale-up db");
        assert_set_up(&tailnet, &output, "db");
        let told = told(&output);
        assert!(
            told.contains("started tailscaled, with userspace networking"),
            "{told}"
        );
        assert!(told.contains("joined the tailnet"), "{told}");
        assert_eq!(keys(), 1);

        // Once more: the daemon runs, and no key is minted.
        let output = as_user("tazpod-tailscale-up db");
        assert_set_up(&tailnet, &output, "db");
        assert_eq!(keys(), 1);

        // The container was asleep for so long that the machine was removed.
        end_daemon();
        wait_until("the machine is removed", || {
            tailnet.control.nodes().is_empty()
        });
        let output = as_user("tazpod-tailscale-up db");
        assert_set_up(&tailnet, &output, "db");
        assert_eq!(keys(), 2);

        // The same in the background, at the first login.
        end_daemon();
        wait_until("the machine is removed", || {
            tailnet.control.nodes().is_empty()
        });
        let output = as_user(&at_login);
        wait_until("the machine is back", || {
            !tailnet.control.nodes().is_empty()
        });
        let name = Command::new("hostname").output().unwrap().stdout;
        wait_until("it has its key", || keys() == 3);
        assert_set_up(&tailnet, &output, String::from_utf8(name).unwrap().trim());
        end_daemon();
    });
}

#[test]
fn root_joins_a_container_with_the_files_of_its_user() {
    if !has_sudo() {
        return;
    }
    in_container(|programs| {
        let tailnet = Tailnet::new(programs);
        lay_out(&tailnet);
        let output = as_user("sudo tailmint up --start-daemon --hostname db");
        assert_set_up(&tailnet, &output, "db");
        let mut of_root = Vec::new();
        every_file(Path::new(HOME), &mut |path| {
            if path.metadata().unwrap().uid() != USER {
                of_root.push(path.to_owned());
            }
        });
        assert!(of_root.is_empty(), "{of_root:?}");
        end_daemon();
    });
}
