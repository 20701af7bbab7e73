//! What the policy allows, and what it says where it does not.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::{
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

const KEYS: &str = "https://api.tailscale.com/api/v2/tailnet/-/keys";

const BUILT_IN: &str = include_str!("built-in-policy.toml");

fn with_policy(world: &World, text: &str, arguments: &[&str]) -> Ran {
    let path = world.write("policy.toml", text);
    world.run(&[arguments, &["--policy", path.to_str().unwrap()]].concat())
}

#[test]
fn what_is_shown_is_the_built_in_policy_and_can_be_taken_as_a_file() {
    let world = World::new();
    let shown = world.run(&["policy", "show"]).stdout;
    let same: Value = toml::from_str(&shown).unwrap();
    assert_eq!(same, toml::from_str::<Value>(BUILT_IN).unwrap());
    for text in [&shown, BUILT_IN, "version = 1\n"] {
        let path = world.write("policy.toml", text);
        let ran = world.run(&["policy", "check", path.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
}

/// Mints where the policy has this for keys beside what is built in.
fn mint_allowing(world: &World, member: &str, arguments: &[&str]) -> Ran {
    let text = format!("version = 1\n[rule.create-auth-key.key]\n{member}\n");
    with_policy(world, &text, &[&["mint"], arguments].concat())
}

#[test]
fn a_tag_is_denied_with_the_change_that_allows_it() {
    let world = World::new();
    let ran = world.run(&["mint", "--tag", "tag:lab"]);
    assert_snapshot!(ran, @r#"
    exit status: 12
    --- stderr
    error: the policy denies it by rule create-auth-key: body.capabilities.devices.create.tags: "tag:lab" is not allowed
    hint: to allow it, add "tag:lab" to rule.create-auth-key.key.tags in [dir]/.config/tailmint/policy.toml
    "#);
    assert_eq!(world.simulator.requests().len(), 0, "not even a token");
    let ran = mint_allowing(&world, "tags = [\"tag:lab\"]", &["--tag", "tag:lab"]);
    // It is the API that rejects the tag now.
    assert_eq!(ran.code, 14, "{}", ran.stderr);
}

#[test]
fn an_expiry_is_denied_with_the_change_that_allows_it() {
    let world = World::new();
    let ran = world.run(&["mint", "--expiry", "2h"]);
    assert_snapshot!(ran, @r#"
    exit status: 12
    --- stderr
    error: the policy denies it by rule create-auth-key: body.expirySeconds: 7200 seconds are more than 1h
    hint: to allow it, set rule.create-auth-key.key.max-expiry to "2h" in [dir]/.config/tailmint/policy.toml
    "#);
    assert_eq!(world.simulator.requests().len(), 0, "not even a token");
    let ran = mint_allowing(&world, "max-expiry = \"2h\"", &["--expiry", "2h"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_key_that_is_not_ephemeral_is_allowed() {
    let ran = World::new().run(&["mint", "--no-ephemeral"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn properties_can_be_required_and_forbidden() {
    let world = World::new();
    let policy = |line: &str| format!("version = 1\n[rule.create-auth-key.key]\n{line}\n");
    for (line, arguments, code) in [
        ("reusable = \"forbid\"", &[][..], 12),
        ("reusable = \"forbid\"", &["--single-use"], 0),
        ("ephemeral = \"require\"", &[], 0),
        ("ephemeral = \"require\"", &["--no-ephemeral"], 12),
        ("preauthorized = \"require\"", &["--no-preauthorized"], 12),
        (
            "max-description-characters = 3",
            &["--description", "four"],
            12,
        ),
        ("max-expiry = \"10m\"", &["--expiry", "10m"], 0),
        ("max-expiry = \"10m\"", &["--expiry", "601"], 12),
        ("types = []", &[], 12),
        ("tags = []", &[], 12),
    ] {
        let ran = with_policy(&world, &policy(line), &[&["mint"], arguments].concat());
        assert_eq!(ran.code, code, "{line} {arguments:?}: {}", ran.stderr);
    }
    for (text, code) in [
        ("version = 1\n[rule.token]\nscopes = []\n", 12),
        ("version = 1\n[rule.token]\noperations = [\"get\"]\n", 12),
        ("version = 1\n[rule.token]\ncount = 0\n", 12),
        ("version = 1\n[rule.token]\nheaders = []\n", 12),
        ("version = 1\n[rule.token]\nmax-body-bytes = 10\n", 12),
        (
            "version = 1\n[rule.create-auth-key]\ncontent-type = \"text/plain\"\n",
            11,
        ),
        ("version = 1\n[trust]\nconnect-to = \"forbid\"\n", 11),
        ("version = 1\n[trust]\nca-file = \"forbid\"\n", 11),
        ("version = 1\n[component]\nimports = []\n", 11),
        (
            "version = 1\n[component]\nsha256 = [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n",
            11,
        ),
    ] {
        let before = world.simulator.keys().len();
        let ran = with_policy(&world, text, &["mint"]);
        assert_eq!(ran.code, code, "{text}: {}", ran.stderr);
        assert_eq!(world.simulator.keys().len(), before, "{text}");
    }
    // A pin of the very component.
    let pin = format!(
        "version = 1\n[component]\nsha256 = [\"{}\"]\n",
        tailmint::component::EmbeddedComponent::digest()
    );
    assert_eq!(with_policy(&world, &pin, &["mint"]).code, 0);
}

#[test]
fn a_report_only_policy_lets_pass_and_writes_down() {
    let world = World::new();
    let text = "version = 1\nmode = \"report\"\n[rule.create-auth-key.key]\nmax-expiry = \"10m\"\n";
    let ran = with_policy(&world, text, &["mint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = world
        .run(&["audit", "show", "--decision", "report", "--json"])
        .stdout;
    let line: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!(line["decision"], "report");
    assert!(
        line["reason"].as_str().unwrap().contains("expirySeconds"),
        "{line}"
    );
}

#[test]
fn every_key_that_is_wrong_has_its_place_in_the_error() {
    let world = World::new();
    let refused = |what: &str, text: &str, line: usize| {
        let ran = with_policy(&world, text, &["mint"]);
        assert_eq!(ran.code, 11, "{what}: {}", ran.stderr);
        let place = format!("policy.toml:{line}:");
        assert!(ran.stderr.contains(&place), "{what}: {}", ran.stderr);
        // The error, the line of the file with a mark below it, and the hint.
        let said: Vec<_> = ran.stderr.lines().collect();
        assert!(said[0].starts_with("error: "), "{what}: {}", ran.stderr);
        assert!(
            said[said.len() - 1].starts_with("hint: "),
            "{what}: {}",
            ran.stderr
        );
        assert!(said.len() <= 5, "{what}: {}", ran.stderr);
    };
    let plain: String = BUILT_IN
        .replace("imports = [\n", "imports = [")
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim_end().to_owned() + "\n")
        .collect();
    let mut cases = 0;
    for (index, line) in plain.lines().enumerate() {
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        if line.starts_with('#') || name.contains('"') || value.ends_with(',') {
            continue;
        }
        let changed = |new: &str| {
            let lines: Vec<_> = plain
                .lines()
                .enumerate()
                .map(|(at, old)| if at == index { new } else { old })
                .collect();
            lines.join("\n") + "\n"
        };
        refused(name, &changed(&format!("{name}x = {value}")), index + 1);
        refused(name, &changed(&format!("{name} = {{}}")), index + 1);
        refused(
            name,
            &changed(&format!("{name} = {value}\n{name} = {value}")),
            index + 2,
        );
        let wrong_value = match name {
            "version" => "2",
            "count" | "max-body-bytes" | "max-description-characters" => "-1",
            "operations" => "[\"delete\"]",
            "tags" => "[\"lab\"]",
            "max-expiry" => "\"91d\"",
            "sha256" => "[\"abc\"]",
            "addresses" => "[\"http://vault.example.com:8200\"]",
            "route" => "\"POST /api/v2/other\"",
            "mode" | "connect-to" | "ca-file" | "system-certs" | "configured"
            | "fake-addresses" | "reusable" | "ephemeral" | "preauthorized" => "\"perhaps\"",
            // Any text may be one of these.
            _ => "[1]",
        };
        refused(
            name,
            &changed(&format!("{name} = {wrong_value}")),
            index + 1,
        );
        cases += 4;
    }
    refused("no version", "mode = \"enforce\"\n", 1);
    refused("unknown table", "version = 1\n[rules]\n", 2);
    assert!(cases > 120, "{cases}");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn a_policy_that_others_may_write_is_none() {
    let world = World::new();
    let path = world.write("policy.toml", "version = 1\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let ran = world.run(&["mint", "--policy", path.to_str().unwrap()]);
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: [dir]/policy.toml: its mode is 0666: others may write to it
    hint: run: chmod go-w [dir]/policy.toml
    ");
    let ran = world.run(&["mint", "--policy", "/no/such/policy"]);
    assert_eq!(ran.code, 11);
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn explain_says_what_would_be_decided() {
    let world = World::new();
    let good =
        r#"{"capabilities":{"devices":{"create":{"tags":["tag:tazpod"]}}},"expirySeconds":60}"#;
    let json = ["-H", "content-type: application/json"];
    for (arguments, code, said) in [
        (
            vec!["POST", KEYS, json[0], json[1], "--body", good],
            0,
            "allowed by rule create-auth-key",
        ),
        (
            vec![
                "--operation",
                "get",
                "POST",
                KEYS,
                json[0],
                json[1],
                "--body",
                good,
            ],
            12,
            "operation: \"get\" is not allowed",
        ),
        (
            vec!["GET", "http://api.tailscale.com/"],
            12,
            "scheme: \"http\" is not https",
        ),
        (
            vec!["GET", "https://example.com/"],
            12,
            "host: \"example.com\" is not api.tailscale.com",
        ),
        (
            vec!["GET", "https://api.tailscale.com/api/v2/tailnet/-/devices"],
            12,
            "no rule has this method and path",
        ),
        (
            vec![
                "--operation",
                "get",
                "GET",
                "https://api.tailscale.com/api/v2/tailnet/-/keys/k1",
            ],
            0,
            "allowed by rule get-key",
        ),
        (
            vec![
                "--operation",
                "get",
                "GET",
                "https://api.tailscale.com/api/v2/tailnet/-/keys/k1?all=true",
            ],
            12,
            "query",
        ),
    ] {
        let ran = world.run(&[&["policy", "explain"], &arguments[..]].concat());
        assert_eq!(
            ran.code, code,
            "{arguments:?}: {}{}",
            ran.stdout, ran.stderr
        );
        assert!(ran.stdout.contains(said), "{arguments:?}: {}", ran.stdout);
    }
    assert_eq!(
        world.run(&["policy", "explain", "GET", "not a url"]).code,
        2
    );
    assert_eq!(world.simulator.connections(), 0);
}

/// A ceiling under which there is next to nothing.
const NARROWEST: &str = r#"version = 1
[trust]
connect-to = "forbid"
ca-file = "forbid"
system-certs = "forbid"
configured = "forbid"
fake-addresses = "forbid"
[component]
sha256 = ["0000000000000000000000000000000000000000000000000000000000000000"]
imports = []
[rule.token]
operations = []
count = 0
headers = []
max-body-bytes = 0
scopes = []
[rule.create-auth-key.key]
types = []
tags = []
max-expiry = "1s"
reusable = "forbid"
ephemeral = "require"
preauthorized = "forbid"
max-description-characters = 0"#;

/// What would be wider than that, and the member that is.
const WIDER: &[(&str, &str)] = &[
    ("mode = \"report\"", "mode"),
    ("[trust]\nconnect-to = \"allow\"", "trust.connect-to"),
    ("[trust]\nca-file = \"allow\"", "trust.ca-file"),
    ("[trust]\nsystem-certs = \"allow\"", "trust.system-certs"),
    ("[trust]\nconfigured = \"allow\"", "trust.configured"),
    (
        "[trust]\nfake-addresses = \"allow\"",
        "trust.fake-addresses",
    ),
    ("[component]\nsha256 = []", "component.sha256"),
    (
        "[component]\nimports = [\"wasi:io/poll@0.2.0\"]",
        "component.imports",
    ),
    (
        "[vault]\naddresses = [\"https://vault.example.com:8200\"]",
        "vault.addresses",
    ),
    (
        "[credentials]\ncommands = [\"gopass\"]",
        "credentials.commands",
    ),
    ("[ssh]\nhosts = [\"root@db\"]", "ssh.hosts"),
    (
        "[rule.token]\noperations = [\"mint\"]",
        "rule.token.operations",
    ),
    ("[rule.token]\ncount = 1", "rule.token.count"),
    ("[rule.token]\nquery = [\"all\"]", "rule.token.query"),
    ("[rule.token]\nheaders = [\"accept\"]", "rule.token.headers"),
    (
        "[rule.token]\nmax-body-bytes = 1",
        "rule.token.max-body-bytes",
    ),
    (
        "[rule.token]\nscopes = [\"auth_keys\"]",
        "rule.token.scopes",
    ),
    (
        "[rule.create-auth-key.key]\ntypes = [\"auth\"]",
        "rule.create-auth-key.key.types",
    ),
    (
        "[rule.create-auth-key.key]\ntags = [\"tag:a\"]",
        "rule.create-auth-key.key.tags",
    ),
    (
        "[rule.create-auth-key.key]\nmax-expiry = \"2s\"",
        "rule.create-auth-key.key.max-expiry",
    ),
    (
        "[rule.create-auth-key.key]\nreusable = \"allow\"",
        "rule.create-auth-key.key.reusable",
    ),
    (
        "[rule.create-auth-key.key]\nephemeral = \"forbid\"",
        "rule.create-auth-key.key.ephemeral",
    ),
    (
        "[rule.create-auth-key.key]\npreauthorized = \"require\"",
        "rule.create-auth-key.key.preauthorized",
    ),
    (
        "[rule.create-auth-key.key]\nmax-description-characters = 1",
        "rule.create-auth-key.key.max-description-characters",
    ),
];

#[test]
fn nobody_goes_beyond_the_ceiling() {
    if !is_really_root() {
        println!("skipped: it takes root to lay out another /etc");
        return;
    }
    in_mount_namespace(|| {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "tmpfs", "/etc"])
            .status()
            .unwrap();
        assert!(mounted.success());
        fs::create_dir("/etc/tailmint").unwrap();
        let ceiling = |text: &str| {
            fs::write("/etc/tailmint/policy.toml", text).unwrap();
        };
        let world = World::new();
        // Without a policy of one's own the ceiling is what counts.
        ceiling("version = 1\n[rule.create-auth-key.key]\nmax-expiry = \"10m\"\n");
        let ran = world.run(&["mint"]);
        assert_eq!(ran.code, 12, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("only the machine's owner can allow it"),
            "{}",
            ran.stderr
        );
        assert_eq!(world.run(&["mint", "--expiry", "10m"]).code, 0);
        // Narrower is what one may be; what one does not say is the ceiling's.
        let key = |line: &str| format!("version = 1\n[rule.create-auth-key.key]\n{line}\n");
        assert_eq!(
            with_policy(
                &world,
                &key("tags = [\"tag:tazpod\"]"),
                &["mint", "--expiry", "10m"]
            )
            .code,
            0
        );
        assert_eq!(
            with_policy(&world, &key("tags = [\"tag:tazpod\"]"), &["mint"]).code,
            12
        );
        let shown =
            with_policy(&world, &key("tags = [\"tag:tazpod\"]"), &["policy", "show"]).stdout;
        assert!(
            shown.contains("max-expiry = \"10m\" # /etc/tailmint/policy.toml\n"),
            "{shown}"
        );
        let own = format!(
            "tags = [\"tag:tazpod\"] # {}\n",
            world.path().join("policy.toml").display()
        );
        assert!(shown.contains(&own), "{shown}");
        // Wider is an error that names the member.
        ceiling(NARROWEST);
        for (text, member) in WIDER {
            let ran = with_policy(&world, &format!("version = 1\n{text}\n"), &["mint"]);
            assert_eq!(ran.code, 11, "{text}");
            let said = format!("{member} allows more than /etc/tailmint/policy.toml");
            assert!(ran.stderr.contains(&said), "{text}: {}", ran.stderr);
        }
        // The ceiling forbids the flags that move the trust.
        ceiling("version = 1\n[trust]\nconnect-to = \"forbid\"\n");
        let ran = world.run(&["mint"]);
        assert_eq!(ran.code, 11, "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains("the policy does not allow another address for the connection"),
            "{}",
            ran.stderr
        );
        // One that others may write is no ceiling.
        fs::set_permissions(
            "/etc/tailmint/policy.toml",
            fs::Permissions::from_mode(0o666),
        )
        .unwrap();
        assert_eq!(world.run(&["policy", "show"]).code, 11);
    });
}

#[test]
fn a_policy_that_is_a_link_to_nothing_is_an_error() {
    let world = World::new();
    world.policy("version = 1\n");
    let path = world.path().join(".config/tailmint/policy.toml");
    fs::remove_file(&path).unwrap();
    symlink(world.path().join("gone.toml"), &path).unwrap();
    assert_snapshot!(world.run(&["mint"]), @"
    exit status: 11
    --- stderr
    error: [dir]/.config/tailmint/policy.toml: it is a link that leads to nothing
    hint: remove [dir]/.config/tailmint/policy.toml, or put the file where it leads
    ");
    // Neither is one that others can replace.
    fs::create_dir(world.path().join("open")).unwrap();
    let path = world.write("open/policy.toml", "version = 1\n");
    fs::set_permissions(world.path().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(world.run(&["mint", "--policy", path.to_str().unwrap()]), @"
    exit status: 11
    --- stderr
    error: [dir]/open/policy.toml: its directory [dir]/open has mode 0777: others may replace what is in it
    hint: run: chmod go-w [dir]/open
    ");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn only_nothing_at_all_is_no_ceiling() {
    if !is_really_root() {
        println!("skipped: it takes root to lay out another /etc");
        return;
    }
    in_mount_namespace(|| {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "tmpfs", "/etc"])
            .status()
            .unwrap();
        assert!(mounted.success());
        let world = World::new();
        let show = |what: &str, code: i32, said: &str| {
            let ran = world.run(&["policy", "show"]);
            assert_eq!(ran.code, code, "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains(said), "{what}: {}", ran.stderr);
        };
        let (directory, ceiling) = (Path::new("/etc/tailmint"), "/etc/tailmint/policy.toml");
        show("no directory", 0, "");
        symlink("/etc/gone", directory).unwrap();
        show(
            "a link for a directory",
            11,
            "its directory /etc/tailmint is a link",
        );
        fs::remove_file(directory).unwrap();
        fs::write(directory, "").unwrap();
        show("a file for a directory", 11, "Not a directory");
        fs::remove_file(directory).unwrap();
        fs::create_dir(directory).unwrap();
        show("an empty directory", 0, "");
        let set_mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set_mode(directory, 0o777);
        show("a directory for all", 11, "run: chmod go-w /etc/tailmint");
        set_mode(directory, 0o755);
        chown(directory, Some(12345), None).unwrap();
        show("somebody's directory", 11, "belongs to user 12345");
        chown(directory, Some(0), None).unwrap();
        symlink("/etc/elsewhere/policy.toml", ceiling).unwrap();
        show(
            "a link",
            11,
            "policy.toml: it is a link that leads to nothing",
        );
        fs::create_dir("/etc/elsewhere").unwrap();
        fs::write("/etc/elsewhere/policy.toml", "version = 1\n").unwrap();
        show("a link to a policy", 0, "");
        set_mode(Path::new("/etc/elsewhere"), 0o777);
        show(
            "a link into a directory for all",
            11,
            "chmod go-w /etc/elsewhere",
        );
        fs::remove_file(ceiling).unwrap();
        fs::create_dir(ceiling).unwrap();
        show("a directory", 11, "it is not a regular file");
        fs::remove_dir(ceiling).unwrap();
        show("nothing", 0, "");
    });
}
