//! `tailmint mint` and `tailmint env`.

use insta::assert_snapshot;
use serde_json::Value;
use tailmint_simulator::Setup;

use crate::{case::bare, world::World};

const BODY: &str = r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#;

#[test]
fn prints_the_key_and_nothing_else() {
    let world = World::new();
    let ran = world.run(&["mint"]);
    let keys = world.simulator.live_keys();
    assert_eq!(keys.len(), 1);
    assert_eq!(ran.stdout, format!("{}\n", keys[0].key));
    assert_eq!((ran.stderr.as_str(), ran.code), ("", 0));
    // What the server saw.
    assert_eq!(world.simulator.connections(), 1);
    assert_eq!(world.simulator.handshakes(), 1);
    assert_eq!(
        world.lines(),
        ["POST /api/v2/oauth/token", "POST /api/v2/tailnet/-/keys"]
    );
    let requests = world.simulator.requests();
    let client = world.simulator.client("bootstrap").unwrap();
    let form = requests[0].form();
    let form: Vec<_> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        form,
        [
            ("client_id", client.id.as_str()),
            ("client_secret", client.secret.as_str()),
            ("grant_type", "client_credentials"),
            ("scope", "auth_keys"),
        ]
    );
    assert_eq!(requests[1].body, BODY);
    assert_eq!(requests[0].header("host"), Some("api.tailscale.com"));
}

#[test]
fn the_flags_change_the_properties() {
    let world = World::new();
    let ran = world.run(&[
        "mint",
        "--single-use",
        "--no-ephemeral",
        "--no-preauthorized",
        "--expiry",
        "10m",
        "--description",
        "build agent",
        "--format",
        "json",
    ]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", 0));
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let key = &world.simulator.live_keys()[0];
    assert_eq!(printed["key"], key.key.as_str());
    assert_eq!(printed["id"], key.id.as_str());
    assert_eq!(printed["description"], "build agent");
    for member in ["reusable", "ephemeral", "preauthorized", "invalid"] {
        assert_eq!(printed[member], false, "{member}");
    }
    assert_eq!(
        world.simulator.requests()[1].body,
        r#"{"capabilities":{"devices":{"create":{"reusable":false,"ephemeral":false,"preauthorized":false,"tags":["tag:tazpod"]}}},"expirySeconds":600,"description":"build agent"}"#
    );
}

#[test]
fn the_other_profile_has_its_own_client_and_tag() {
    let world = World::new();
    let ran = world.run(&["mint", "--profile", "k8s-operator", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys()[0].tags, ["tag:k8s-operator"]);
    // A tag that the client's own tag owns.
    let policy = world.policy_for_tags(&["tag:k8s"]);
    let arguments = ["mint", "--profile", "k8s-operator", "--tag", "tag:k8s"];
    let ran = world.run(&[&arguments[..], &["--policy", &policy]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys()[1].tags, ["tag:k8s"]);
}

#[test]
fn env_is_for_eval() {
    let world = World::new();
    let ran = world.run(&["env"]);
    let key = &world.simulator.live_keys()[0];
    assert_eq!(ran.stdout, format!("export TS_AUTHKEY='{}'\n", key.key));
    let same = world.run(&["mint", "--format", "env"]);
    assert!(same.stdout.starts_with("export TS_AUTHKEY='tskey-auth-"));
}

#[test]
fn without_the_files_the_api_key_of_the_environment_is_used() {
    let world = World::new();
    std::fs::remove_dir_all(world.secrets()).unwrap();
    let ran = world
        .tailmint(&["mint"])
        .env("TAILSCALE_API_KEY", world.simulator.api_key())
        .env("TAILSCALE_TAILNET", "example.com")
        .run();
    assert_eq!((ran.stderr.as_str(), ran.code), ("", 0));
    assert_eq!(world.lines(), ["POST /api/v2/tailnet/example.com/keys"]);
    let bearer = format!("Bearer {}", world.simulator.api_key());
    let requests = world.simulator.requests();
    assert_eq!(requests[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(requests[0].body, BODY);
}

#[test]
fn verbose_says_what_is_sent_and_decided() {
    let world = World::new();
    let ran = world.run(&["mint", "--verbose"]);
    let said: String = world
        .steady(&ran.stderr)
        .lines()
        .map(|line| match line.split_once(", after ") {
            Some((before, _)) => format!("{before}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    assert_snapshot!(said, @"
    the credential is from [dir]/secrets/tailscale-oauth-client-secret
    confined: the kernel limits files, TCP ports, signals and system calls
    > POST /api/v2/oauth/token, 136 bytes: allowed by rule token
    < 200, 159 bytes
    > POST /api/v2/tailnet/-/keys, 138 bytes: allowed by rule create-auth-key
    < 200, 361 bytes
    ");
}

#[test]
fn headscale_works_as_well() {
    let world = World::with(&Setup {
        headscale: true,
        ..Setup::default()
    });
    let ran = world.run(&["mint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("hskey-auth-"), "{}", ran.stdout);
}

#[test]
fn a_key_that_cannot_be_printed_is_revoked() {
    let world = World::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = world.tailmint(&["mint"]).stdout(full).run();
    assert_snapshot!(ran, @"
    exit status: 1
    --- stderr
    error: the key could not be written to standard output: No space left on device (os error 28); key [key 1] has been revoked
    ");
    assert_eq!(world.simulator.keys().len(), 1);
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[test]
fn a_key_that_nobody_reads_is_revoked() {
    let world = World::new();
    let mut child = world.tailmint(&["mint"]).spawn();
    drop(child.stdout.take());
    let ran = world.finish(child);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[test]
fn nothing_but_the_audit_is_written_to_disk() {
    let world = World::new();
    let ran = world.run(&["mint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut names: Vec<_> = std::fs::read_dir(world.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".local", "ca.pem", "secrets"]);
    assert_eq!(std::fs::read_dir(world.secrets()).unwrap().count(), 4);
    let state = world.path().join(".local/state/tailmint");
    let mut names: Vec<_> = std::fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["audit.jsonl", "audit.key"]);
}

#[test]
fn help_has_examples() {
    for arguments in [
        &["--help"][..],
        &["mint", "--help"],
        &["up", "--help"],
        &["exec", "--help"],
        &["vault", "push", "--help"],
    ] {
        let output = bare().args(arguments).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:"), "{text}");
    }
}

#[test]
fn completions_and_the_manual_page_name_the_commands() {
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
    ] {
        let output = bare().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for command in ["mint", "exec", "up"] {
            assert!(text.contains(command), "{arguments:?} lacks {command}");
        }
    }
}
