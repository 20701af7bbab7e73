//! What is written down, and what it is worth.

use std::{
    fs,
    ops::ControlFlow,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use insta::assert_snapshot;
use serde_json::Value;
use tailmint::connection::Trust;
use tailmint::{KeyId, Minter};
use tailmint_audit::{Actor, AuditFile, follow};
use tailmint_core::Environment;
use tailmint_operator::credentials::account_from_env;
use tailmint_simulator::{Endpoint, Fault, Setup};

use crate::{
    credential_files::{STRANGER, give_to},
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

fn file(world: &World) -> PathBuf {
    world.path().join(".local/state/tailmint/audit.jsonl")
}

fn lines(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(file(world)).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn audit(world: &World, arguments: &[&str]) -> Ran {
    world.run(&[&["audit"], arguments].concat())
}

#[test]
fn every_decision_is_written_down_and_what_came_of_it() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let lines = lines(&world);
    let story: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {}",
                text("event"),
                text("rule"),
                text("method"),
                text("path")
            )
        })
        .collect();
    assert_eq!(
        story,
        [
            "decision token POST /api/v2/oauth/token",
            "response token POST /api/v2/oauth/token",
            "decision create-auth-key POST /api/v2/tailnet/{tailnet}/keys",
            "response create-auth-key POST /api/v2/tailnet/{tailnet}/keys",
        ]
    );
    let key = &world.simulator.keys()[0];
    assert_eq!(lines[2]["tags"], serde_json::json!(["tag:tazpod"]));
    assert_eq!(lines[2]["expiry_seconds"], 3600);
    assert_eq!(lines[2]["key"], Value::Null, "it is not known yet");
    assert_eq!(lines[3]["key"], key.id.as_str());
    assert_eq!(lines[3]["status"], 200);
    assert_eq!(
        lines[0]["connect_to"],
        world.simulator.address().to_string()
    );
    assert_eq!(
        lines[0]["component"],
        tailmint::component::EmbeddedComponent::digest()
    );
    assert_eq!(lines[0]["actor"]["uid"], rustix::process::getuid().as_raw());
    // One run, whose requests belong together.
    assert!(lines.iter().all(|line| line["run"] == lines[0]["run"]));
    // Secrets by name, and the same secret by the same sign.
    let secret = &lines[0]["secrets"][0];
    assert_eq!(secret["name"], "client-secret");
    assert_eq!(world.run(&["mint"]).code, 0);
    assert_eq!(
        secret["fingerprint"],
        self::lines(&world)[4]["secrets"][0]["fingerprint"]
    );
    world.assert_no_secret(&fs::read(file(&world)).unwrap(), "the audit");
    let mode = file(&world).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn it_reads_like_a_log() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let shown = audit(&world, &["show"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let key = &world.simulator.keys()[0].id;
    let said: Vec<_> = shown.stdout.lines().collect();
    assert_eq!(said.len(), 4);
    assert!(said[2].contains(" mint: allowed by create-auth-key: POST /api/v2/tailnet/{tailnet}/keys, tags tag:tazpod"), "{}", said[2]);
    assert!(
        said[3].contains(": response 200 after ") && said[3].ends_with(key.as_str()),
        "{}",
        said[3]
    );
    // Filters.
    let run = lines(&world)[0]["run"].as_str().unwrap().to_owned();
    assert_eq!(
        audit(&world, &["show", "--run", &run])
            .stdout
            .lines()
            .count(),
        4
    );
    assert_eq!(audit(&world, &["show", "--run", "0"]).stdout, "");
    assert_eq!(audit(&world, &["show", "--decision", "deny"]).stdout, "");
    assert_eq!(
        audit(&world, &["show", "--until", "2020-01-01T00:00:00Z"]).stdout,
        ""
    );
    assert_eq!(
        audit(&world, &["show", "--since", "2020-01-01T00:00:00Z"])
            .stdout
            .lines()
            .count(),
        4
    );
    assert_eq!(
        audit(&world, &["tail", "-n", "1", "--json"])
            .stdout
            .lines()
            .count(),
        1
    );
}

#[test]
fn what_did_not_get_through_is_on_record() {
    let world = World::new();
    world
        .simulator
        .misbehave(Endpoint::Keys, Fault::LoseAnswer, 1);
    assert_eq!(world.run(&["mint"]).code, 16);
    let lines = lines(&world);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[3]["event"], "failure");
    assert!(lines[3]["failure"].as_str().unwrap().contains("broke"));
}

#[test]
fn a_file_that_is_something_else_is_not_called_changed() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let path = file(&world);
    for text in ["#!/bin/sh\necho\n", "\n", "{}\n"] {
        fs::write(&path, text).unwrap();
        let ran = audit(&world, &["verify"]);
        assert_eq!(ran.code, 11, "{text:?}");
        let said = "is not an audit log: no line of it is one\nhint: name the file";
        assert!(ran.stderr.contains(said), "{text:?}: {}", ran.stderr);
    }
}

#[test]
fn every_change_is_found_and_named() {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(world.run(&["mint"]).code, 0);
    }
    let path = file(&world);
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 8);
    let verified = audit(&world, &["verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let named = |what: &str, text: &[&str], line: usize| {
        fs::write(&path, text.join("\n") + "\n").unwrap();
        let ran = audit(&world, &["verify"]);
        assert_eq!(ran.code, 11, "{what} {line}");
        let said = format!("its chain breaks at line {line}\n");
        assert!(ran.stderr.contains(&said), "{what}: {}", ran.stderr);
    };
    for index in 0..lines.len() {
        let line = index + 1;
        let mut edited = lines.clone();
        let change = lines[index].replace("api.tailscale.com", "api.tailscale.net");
        edited[index] = &change;
        named("edited", &edited, line);
        // With a hash that is right, whoever edits has to edit all that follow.
        let mut doubled = lines.clone();
        doubled.insert(index, lines[index]);
        named("doubled", &doubled, line + 1);
        let mut inserted = lines.clone();
        inserted.insert(index, "{}");
        named("inserted", &inserted, line);
        if line < lines.len() {
            let mut cut = lines.clone();
            cut[index] = &lines[index][..lines[index].len() / 2];
            named("cut", &cut, line);
            let mut removed = lines.clone();
            removed.remove(index);
            named("removed", &removed, line);
            let mut swapped = lines.clone();
            swapped.swap(index, index + 1);
            named("swapped", &swapped, line);
        }
    }
    // What is removed at the end shows against a head that was kept elsewhere.
    fs::write(&path, &whole).unwrap();
    let head = audit(&world, &["head"]).stdout;
    let (number, hash) = head.trim().split_once(' ').unwrap();
    // The line that was printed will do, and its hash alone.
    for head in [&head, hash, &format!(" {}\n", hash.to_uppercase())] {
        let ran = audit(&world, &["verify", "--head", head]);
        assert_eq!(ran.code, 0, "{head}: {}", ran.stderr);
    }
    let other = format!("{number}1 {hash}");
    assert_eq!(audit(&world, &["verify", "--head", &other]).code, 11);
    // What is no head is no false alarm either.
    for wrong in ["", "8", &hash[1..]] {
        assert_eq!(audit(&world, &["verify", "--head", wrong]).code, 2);
    }
    fs::write(&path, lines[..7].join("\n") + "\n").unwrap();
    assert_eq!(audit(&world, &["verify"]).code, 0);
    for head in [&head, hash] {
        assert_eq!(audit(&world, &["verify", "--head", head]).code, 11);
    }
}

#[test]
fn a_line_that_was_cut_off_is_recorded_by_the_next() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let path = file(&world);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    let ran = audit(&world, &["verify"]);
    assert!(
        ran.stdout
            .contains("3 entries, none changed, the last line is cut off"),
        "{}",
        ran.stdout
    );
    assert_eq!(world.run(&["mint"]).code, 0);
    let ran = audit(&world, &["verify"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("8 entries, none changed, 1 lines cut off and recorded"),
        "{}",
        ran.stdout
    );
    let shown = audit(&world, &["show"]).stdout;
    assert!(shown.contains("was cut off"), "{shown}");
}

/// Mints as a user who has no home directory.
fn without_a_home(world: &World, variables: &[(&str, &Path)]) -> Option<Ran> {
    if !is_really_root() {
        println!("skipped: it takes root to be a user without a home directory");
        return None;
    }
    give_to(STRANGER, world.path());
    let mut case = world.tailmint(&["mint"]).without_env("HOME");
    for (name, value) in variables {
        case = case.env(name, value);
    }
    Some(case.of_user(STRANGER, &world.path().join("tailmint")).run())
}

#[test]
fn without_a_home_the_audit_needs_a_file() {
    let world = World::new();
    let Some(ran) = without_a_home(&world, &[]) else {
        return;
    };
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: there is no directory for the audit log: neither $STATE_DIRECTORY nor $HOME is set, and this user has no home directory
    hint: give --audit-file FILE
    ");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn without_a_home_the_audit_is_in_the_state_directory_of_the_service() {
    let world = World::new();
    let state = world.path().join("state");
    let Some(ran) = without_a_home(&world, &[("STATE_DIRECTORY", &state)]) else {
        return;
    };
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(state.join("tailmint/audit.jsonl").exists());
}

#[test]
fn without_a_home_variable_the_audit_is_in_the_users_home() {
    if !is_really_root() {
        println!("skipped: it takes root to lay out another table of users");
        return;
    }
    in_mount_namespace(|| {
        let world = World::new();
        let home = world.path().join("home");
        let table = format!("root:x:0:0::{}:/bin/sh\n", home.display());
        let mounted = Command::new("mount")
            .arg("--bind")
            .args([world.write("passwd", &table), "/etc/passwd".into()])
            .status()
            .unwrap();
        assert!(mounted.success());
        let ran = world.tailmint(&["mint"]).without_env("HOME").run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(home.join(".local/state/tailmint/audit.jsonl").exists());
    });
}

const PROCESSES: usize = 16;
const RUNS: usize = 50;

/// Tells the program what one of many processes is to do.
const WORK: &str = "TAILMINT_TEST_AUDIT";

#[test]
fn many_processes_append_to_one_file() {
    let name = "audit::many_processes_append_to_one_file";
    if let Some(directory) = std::env::var_os(WORK) {
        return append(Path::new(&directory));
    }
    let world = World::with(&Setup::default());
    assert_eq!(world.run(&["mint"]).code, 0);
    fs::write(
        world.path().join("to"),
        world.simulator.address().to_string(),
    )
    .unwrap();
    fs::write(world.path().join("id"), &world.simulator.keys()[0].id).unwrap();
    fs::write(world.path().join("key"), world.simulator.api_key()).unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name])
                .env(WORK, world.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
    }
    let mut runs = std::collections::BTreeSet::new();
    let found = follow(&world.path().join("shared.jsonl"), |entry| {
        runs.insert(entry.text("run").to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.breaks, []);
    // A decision and an answer each.
    assert_eq!(found.entries, (PROCESSES * RUNS * 2) as u64);
    assert_eq!((found.torn, found.torn_tail), (0, false));
    assert_eq!(runs.len(), PROCESSES * RUNS);
}

/// What each of the processes does: so many runs of one request.
fn append(directory: &Path) {
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let environment = Environment::from([
        ("TAILSCALE_API_KEY", read("key").as_str()),
        ("TAILSCALE_TAILNET", "-"),
    ]);
    let account = account_from_env(&environment).unwrap().unwrap();
    let id: KeyId = read("id").parse().unwrap();
    let minter = Minter::builder()
        .trust(Trust::pem_file(directory.join("ca.pem")).unwrap())
        .connect_to(read("to").parse().unwrap())
        .audit(Arc::new(
            AuditFile::open(directory.join("shared.jsonl")).unwrap(),
        ))
        .actor(Actor::from_process(&environment))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..RUNS {
            minter.get(&account, &id).await.unwrap();
        }
    });
}
