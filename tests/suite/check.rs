//! `tailmint check`.

use std::{fs, os::unix::fs::PermissionsExt};

use insta::assert_snapshot;
use serde_json::Value;
use tailmint_simulator::{Endpoint, Fault, OauthClient, Setup};

use crate::{ran::Ran, world::World};

/// What was found, without digests, which other changes move.
fn found(ran: &Ran) -> String {
    let text = ran.to_string();
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| {
            if word.starts_with("sha256:") {
                "sha256:[digest]"
            } else {
                word
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_in_order_passes_and_is_told() {
    let world = World::new();
    let ran = world.run(&["check", "--all", "--tailscale", "/no/such/tailscale"]);
    assert_snapshot!("check_all", found(&ran));
    // It asks for tokens, and makes nothing.
    assert!(
        world
            .lines()
            .iter()
            .all(|line| line == "POST /api/v2/oauth/token")
    );
    assert_eq!(world.simulator.connections(), 1);
}

#[test]
fn a_missing_services_scope_is_told_with_what_it_looks_like() {
    let world = World::with(&Setup {
        clients: vec![
            OauthClient::new("bootstrap", &["auth_keys", "devices"], &["tag:tazpod"]),
            OauthClient::new(
                "k8s-operator",
                &["auth_keys", "devices:core"],
                &["tag:k8s-operator"],
            ),
        ],
        ..Setup::default()
    });
    let ran = world.run(&["check", "--all", "--tailscale", "/no/such/tailscale"]);
    assert!(ran.stdout.contains("#19471"), "{}", ran.stdout);
    assert_snapshot!("check_without_services", found(&ran));
}

#[test]
fn a_secret_that_others_may_read_fails() {
    let world = World::new();
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(
        world.secrets().join("tailscale-oauth-client-secret"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    assert_snapshot!(found(&ran), @"
    exit status: 10
    --- stdout
    passed config: there is no file; the built-in profiles are used
    passed policy: sha256:[digest]
    passed audit: [dir]/.local/state/tailmint/audit.jsonl: 0 entries, none changed
    passed component: the policy lets sha256:[digest] run
    passed confinement: the kernel limits files, TCP ports, signals and system calls
    passed connection: api.tailscale.com is found, reached and trusted
    failed bootstrap credential: [dir]/secrets/tailscale-oauth-client-secret: its mode is 0644: others may read or write it
           run: chmod 600 [dir]/secrets/tailscale-oauth-client-secret
    warned tailscale: there is no tailscale command at /no/such/tailscale
           install it, see https://tailscale.com/download, or give --tailscale PATH
    ");
}

#[test]
fn a_missing_auth_keys_scope_fails() {
    let world = World::with(&Setup {
        clients: vec![OauthClient::new(
            "bootstrap",
            &["devices:core"],
            &["tag:other"],
        )],
        ..Setup::default()
    });
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    assert_snapshot!(found(&ran), @"
    exit status: 14
    --- stdout
    passed config: there is no file; the built-in profiles are used
    passed policy: sha256:[digest]
    passed audit: [dir]/.local/state/tailmint/audit.jsonl: 0 entries, none changed
    passed component: the policy lets sha256:[digest] run
    passed confinement: the kernel limits files, TCP ports, signals and system calls
    passed connection: api.tailscale.com is found, reached and trusted
    passed bootstrap credential: it is from [dir]/secrets/tailscale-oauth-client-secret, which is in order
    passed bootstrap token: the API accepts it
    failed bootstrap scope auth_keys: missing: no key can be minted
           give the OAuth client the scope auth_keys (write) in the admin console, or create another: tailmint clients rotate
    passed bootstrap scope devices: missing, as in all new OAuth clients; devices:core is granted in its place
    warned tailscale: there is no tailscale command at /no/such/tailscale
           install it, see https://tailscale.com/download, or give --tailscale PATH
    ");
}

#[test]
fn a_revoked_client_fails() {
    let world = World::new();
    let id = world.simulator.client("bootstrap").unwrap().id;
    world.simulator.revoke_client(&id);
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    assert_snapshot!(found(&ran), @"
    exit status: 14
    --- stdout
    passed config: there is no file; the built-in profiles are used
    passed policy: sha256:[digest]
    passed audit: [dir]/.local/state/tailmint/audit.jsonl: 0 entries, none changed
    passed component: the policy lets sha256:[digest] run
    passed confinement: the kernel limits files, TCP ports, signals and system calls
    passed connection: api.tailscale.com is found, reached and trusted
    passed bootstrap credential: it is from [dir]/secrets/tailscale-oauth-client-secret, which is in order
    failed bootstrap token: the API rejected the credential: API token invalid
           check that it was not revoked and belongs to this tailnet; create a new one if in doubt
    warned tailscale: there is no tailscale command at /no/such/tailscale
           install it, see https://tailscale.com/download, or give --tailscale PATH
    ");
}

#[test]
fn an_api_that_cannot_be_reached_fails() {
    let world = World::new();
    let ran = world
        .bare(&["check", "--connect-to", "127.0.0.1:1"])
        .args(&["--tailscale", "/no/such/tailscale", "--secrets-dir"])
        .arg(world.secrets())
        .env("HOME", world.path())
        .run();
    assert_snapshot!(found(&ran), @"
    exit status: 15
    --- stdout
    passed config: there is no file; the built-in profiles are used
    passed policy: sha256:[digest]
    passed audit: [dir]/.local/state/tailmint/audit.jsonl: 0 entries, none changed
    passed component: the policy lets sha256:[digest] run
    passed confinement: the kernel limits files, TCP ports, signals and system calls
    failed connection: 127.0.0.1:1 could not be connected to: Connection refused (os error 111)
           see whether api.tailscale.com can be reached on port 443 from here
    passed bootstrap credential: it is from [dir]/secrets/tailscale-oauth-client-secret, which is in order
    warned tailscale: there is no tailscale command at /no/such/tailscale
           install it, see https://tailscale.com/download, or give --tailscale PATH
    ");
}

/// The line about the API key, where the API says this of it.
fn of_api_key(world: &World, described: Option<&str>) -> (String, i32) {
    for entry in fs::read_dir(world.secrets()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    if let Some(body) = described {
        let id = world.simulator.api_key();
        let id = id.split('-').nth(2).unwrap();
        let fault = Fault::Answer {
            status: if body.contains("message") { 404 } else { 200 },
            headers: Vec::new(),
            body: body.replace("ID", id),
        };
        world.simulator.misbehave(Endpoint::Key, fault, 1);
    }
    let ran = world
        .as_owner(&["check", "--tailscale", "/no/such/tailscale"])
        .run();
    let line = ran.stdout.lines().find(|line| line.contains("API key: "));
    (line.unwrap_or(&ran.stdout).to_owned(), ran.code)
}

#[test]
fn an_api_key_is_asked_for_its_end() {
    let in_days = |days: i64| {
        let hours = jiff::SignedDuration::from_hours(24 * days);
        (jiff::Timestamp::now() + hours)
            .strftime("%FT%TZ")
            .to_string()
    };
    let (line, code) = of_api_key(&World::new(), None);
    assert!(
        line.starts_with("passed bootstrap API key: it expires at 20"),
        "{line}"
    );
    assert_eq!(code, 0);
    for (described, grade, words, expected) in [
        (
            format!(r#"{{"id":"ID","expires":"{}"}}"#, in_days(3)),
            "warned",
            "it expires at",
            0,
        ),
        (
            format!(r#"{{"id":"ID","expires":"{}"}}"#, in_days(-1)),
            "failed",
            "it expired at",
            14,
        ),
        (
            format!(
                r#"{{"id":"ID","invalid":true,"expires":"{}"}}"#,
                in_days(30)
            ),
            "failed",
            "it expired at",
            14,
        ),
        (
            r#"{"id":"ID"}"#.to_owned(),
            "passed",
            "it does not expire",
            0,
        ),
        (
            r#"{"message":"not found"}"#.to_owned(),
            "warned",
            "does not describe it",
            0,
        ),
    ] {
        let (line, code) = of_api_key(&World::new(), Some(&described));
        assert!(
            line.starts_with(grade) && line.contains(words),
            "{described}: {line}"
        );
        assert_eq!(code, expected, "{described}");
    }
}

#[test]
fn machines_can_read_it() {
    let world = World::new();
    let ran = world.run(&["check", "--json"]);
    let subjects: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_ne!(value["grade"], "failed", "{value}");
            value["subject"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(
        subjects.contains(&"bootstrap tags".to_owned()),
        "{subjects:?}"
    );
}
