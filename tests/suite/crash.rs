//! Whoever is killed while OAuth clients are made or exchanged: the files name a
//! client that works, or none, and every client that lives on is named.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    time::{Duration, Instant},
};

use tailmint_simulator::{OauthClient, Setup};

use crate::{clients::bare_world, world::World};

/// Every point at which the process can be told to die.
const POINTS: [&str; 14] = [
    "client-before-making",
    "client-made",
    "client-checked",
    "client-files-before",
    "client-files-created",
    "client-files-half-written",
    "client-files-secret-written",
    "client-files-id-written",
    "client-files-synced",
    "client-files-secret-renamed",
    "client-files-id-renamed",
    "client-files-done",
    "client-before-deleting",
    "client-deleted",
];

/// Each point is died at so often, each time with new ids and secrets.
const TIMES: usize = 10;

/// The moments of a run, spread over all of it, at which it is killed.
const MOMENTS: u32 = 150;

fn with_client() -> World {
    World::with(&Setup {
        clients: vec![OauthClient::new(
            "tazlab-bootstrap",
            &["auth_keys", "devices"],
            &["tag:tazpod"],
        )],
        ..Setup::default()
    })
}

/// Runs it and kills it, at the point or after the time; whether it died of it.
fn killed(world: &World, command: &str, point: Option<&str>, after: Option<Duration>) -> bool {
    let mut command = world.as_owner(&["clients", command]);
    if let Some(point) = point {
        command.env("FAILPOINTS", format!("{point}=return"));
    }
    let mut child = command.spawn().unwrap();
    if let Some(after) = after {
        std::thread::sleep(after);
        child.kill().ok();
    }
    let output = child.wait_with_output().unwrap();
    output.status.signal() == Some(9)
}

/// What must hold whenever a run has ended.
fn assert_sound(world: &World, was_there: bool, what: &str) {
    for entry in fs::read_dir(world.secrets()).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{what}: {}", path.display());
    }
    let secret = world.secrets().join("tailscale-oauth-client-secret");
    match fs::read_to_string(&secret) {
        Ok(secret) => {
            let live = world.simulator.clients();
            let named = live.iter().any(|client| client.secret == secret.trim_end());
            assert!(named, "{what}: the files name a client that is gone");
            let ran = world.run(&["mint"]);
            assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
        }
        Err(_) => assert!(!was_there, "{what}: the files are gone"),
    }
}

/// The next run clears up: no leftover, and every client that lives on is named.
fn assert_cleared(world: &World, what: &str) {
    let next = if has_files(&world.secrets()) {
        ["clients", "rotate"]
    } else {
        ["clients", "create"]
    };
    let ran = world.finish(world.as_owner(&next).spawn().unwrap());
    assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
    let names: BTreeSet<_> = fs::read_dir(world.secrets())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["tailscale-oauth-client-id", "tailscale-oauth-client-secret"];
    assert_eq!(names, expected.map(str::to_owned).into(), "{what}");
    let id = fs::read_to_string(world.secrets().join(expected[0])).unwrap();
    for client in world.simulator.clients() {
        let named = client.id == id.trim_end() || ran.stderr.contains(&client.id);
        assert!(named, "{what}: a client lives on that nobody names");
    }
}

fn has_files(directory: &Path) -> bool {
    directory.join("tailscale-oauth-client-secret").exists()
}

#[test]
fn at_every_point() {
    for (index, point) in POINTS
        .into_iter()
        .cycle()
        .take(POINTS.len() * TIMES)
        .enumerate()
    {
        let (world, command) = if index % 2 == 0 || !reached_by_create(point) {
            (with_client(), "rotate")
        } else {
            (bare_world(), "create")
        };
        let what = format!("{command} at {point}");
        assert!(
            killed(&world, command, Some(point), None),
            "{what}: it did not die"
        );
        assert_sound(&world, command == "rotate", &what);
        assert_cleared(&world, &what);
    }
}

fn reached_by_create(point: &str) -> bool {
    !["client-checked", "client-before-deleting", "client-deleted"].contains(&point)
}

#[test]
fn at_any_moment() {
    for command in ["create", "rotate"] {
        let fresh = || {
            if command == "rotate" {
                with_client()
            } else {
                bare_world()
            }
        };
        // As long as a whole run takes here, with some room.
        let begun = Instant::now();
        killed(&fresh(), command, None, None);
        let whole = begun.elapsed() * 5 / 4;
        let mut died = 0;
        for moment in 0..MOMENTS {
            let world = fresh();
            let after = whole * moment / MOMENTS;
            let what = format!("{command} after {after:?}");
            died += usize::from(killed(&world, command, None, Some(after)));
            assert_sound(&world, command == "rotate", &what);
            assert_cleared(&world, &what);
        }
        assert!(died > 0, "{command}: it was never killed");
    }
}
