//! `tailmint check`.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;
use tailmint_simulator::{Endpoint, Fault, OauthClient, Setup};

use crate::world::{Ran, World};

/// What was found, without digests and counts, which other changes move.
fn found(world: &World, ran: &Ran) -> String {
    let text = world.snapshot(ran);
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
fn all_is_well() {
    let world = World::new();
    let ran = world.run(&["check", "--all", "--tailscale", "/no/such/tailscale"]);
    insta::assert_snapshot!("check_all", found(&world, &ran));
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
    insta::assert_snapshot!("check_without_services", found(&world, &ran));
}

#[test]
fn the_first_thing_that_fails_gives_the_exit_status() {
    let world = World::new();
    fs::set_permissions(
        world.secrets().join("tailscale-oauth-client-secret"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    insta::assert_snapshot!("check_file_of_others", found(&world, &ran));
    let world = World::with(&Setup {
        clients: vec![OauthClient::new(
            "bootstrap",
            &["devices:core"],
            &["tag:other"],
        )],
        ..Setup::default()
    });
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    insta::assert_snapshot!("check_without_auth_keys", found(&world, &ran));
    let world = World::new();
    let id = world.simulator.client("bootstrap").unwrap().id;
    world.simulator.revoke_client(&id);
    let ran = world.run(&["check", "--tailscale", "/no/such/tailscale"]);
    insta::assert_snapshot!("check_revoked", found(&world, &ran));
}

#[test]
fn nobody_answers() {
    let world = World::new();
    let mut command = crate::world::bare();
    command
        .args(["check", "--connect-to", "127.0.0.1:1"])
        .args(["--tailscale", "/no/such/tailscale", "--secrets-dir"])
        .arg(world.secrets())
        .env("HOME", world.path());
    let ran = world.finish(command.spawn().unwrap());
    insta::assert_snapshot!("check_nobody_answers", found(&world, &ran));
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
    let command = world.as_owner(&["check", "--tailscale", "/no/such/tailscale"]);
    let ran = world.finish({ command }.spawn().unwrap());
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
        line.starts_with("passed bootstrap API key: it ends at 20"),
        "{line}"
    );
    assert_eq!(code, 0);
    for (described, grade, words, expected) in [
        (
            format!(r#"{{"id":"ID","expires":"{}"}}"#, in_days(3)),
            "warned",
            "it ends at",
            0,
        ),
        (
            format!(r#"{{"id":"ID","expires":"{}"}}"#, in_days(-1)),
            "failed",
            "it ended at",
            14,
        ),
        (
            format!(
                r#"{{"id":"ID","invalid":true,"expires":"{}"}}"#,
                in_days(30)
            ),
            "failed",
            "it ended at",
            14,
        ),
        (r#"{"id":"ID"}"#.to_owned(), "passed", "it has no end", 0),
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
