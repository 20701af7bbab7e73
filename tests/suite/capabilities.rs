//! What tailmint says that it can do, and that tests hold it.

use std::{collections::BTreeSet, process::Command};

use insta::assert_snapshot;
use serde_json::Value;
use tailmint::component::EmbeddedComponent;

use crate::{
    ran::Ran,
    world::{World, sha256},
};

/// Says it as a user with this home directory and no ceiling.
fn capabilities(world: &World, arguments: &[&str]) -> Ran {
    let whole = [&["capabilities"], arguments].concat();
    let ran = world.bare(&whole).env("HOME", world.path()).run();
    ran.replacing(EmbeddedComponent::digest(), "[component]")
}

/// What is before the files that are read.
const READ: &str = "files that are read: ";

#[test]
fn all_that_it_can_do_is_one_page() {
    let world = World::new();
    let policy = tailmint_policy::Policy::built_in().digest().to_owned();
    let ran = capabilities(&world, &[]).replacing(&policy, "[policy]");
    // What resolves names is another list on other systems, and with another C library.
    let (_, read) = ran.stdout.split_once(READ).unwrap();
    let read = read.lines().next().unwrap().to_owned();
    assert!(read.contains("/etc/resolv.conf"), "{read}");
    let ran = ran.replacing(&format!("{READ}{read}"), &format!("{READ}[resolver]"));
    assert_snapshot!("capabilities", ran);
}

#[test]
fn what_the_policy_lets_out_besides_is_named_with_the_digest_of_its_file() {
    let world = World::new();
    let text = "version = 1\n\
        [vault]\naddresses = [\"https://vault.example.com:8200\"]\n\
        [ssh]\nhosts = [\"db\"]\n\
        [identity]\nsources = [\"github\"]\n\
        [rule.create-auth-key.key]\ntags = [\"tag:lab\"]\n\
        [rule.update-identity]\noperations = []\n";
    world.policy(text);
    let ran = capabilities(&world, &["--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let line = |section: &str, name: &str| -> Value {
        let lines = found[section]["lines"].as_array().unwrap();
        let line = lines.iter().find(|line| line["name"] == name);
        line.unwrap_or_else(|| panic!("{section} has no {name}"))
            .clone()
    };
    let vault = line("connections", "vault push");
    assert_eq!(vault["what"], "https://vault.example.com:8200");
    let platforms = line("connections", "platforms, for identity tokens");
    assert_eq!(
        platforms["what"],
        "github, at *.actions.githubusercontent.com"
    );
    assert_eq!(line("connections", "machines, by ssh")["what"], "db");
    let key = line("requests", "create-auth-key");
    assert!(
        key["what"].as_str().unwrap().contains("tags tag:lab"),
        "{key}"
    );
    assert_eq!(line("requests", "update-identity")["what"], "never sent");
    assert_eq!(line("files", "policy")["sha256"], sha256(text.as_bytes()));
    assert_eq!(line("files", "configuration")["sha256"], Value::Null);
    assert_eq!(found["component"]["sha256"], EmbeddedComponent::digest());
}

#[test]
fn where_the_log_is_shipped_to_is_said() {
    let world = World::new();
    world.config("[audit]\nship = \"syslog\"\n");
    let ran = capabilities(&world, &[]);
    for said in [
        "  socket of the logs of the system: /dev/log: written to\n",
        "audit.shipped: read, and written\n",
        "  sockets of this machine: yes\n",
    ] {
        assert!(ran.stdout.contains(said), "{ran}");
    }
}

#[test]
fn each_thing_is_held_by_a_test_that_exists() {
    let listed = Command::new(std::env::current_exe().unwrap())
        .arg("--list")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: BTreeSet<_> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    let world = World::new();
    let ran = capabilities(&world, &["--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let sections = found.as_object().unwrap().values();
    let lines = sections.flat_map(|section| section["lines"].as_array().unwrap());
    let held: Vec<_> = lines.map(|line| line["test"].as_str().unwrap()).collect();
    assert!(held.len() > 25, "{held:?}");
    for test in held {
        // Without the feature for components from files, some are not built.
        let is_built = cfg!(feature = "compiler");
        assert!(tests.contains(test) || !is_built, "there is no test {test}");
    }
}
