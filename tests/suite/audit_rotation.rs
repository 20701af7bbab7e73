//! An audit log in several files: the chain goes on, and what is missing is said.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command, sync::Arc};

use insta::assert_snapshot;
use tailmint_audit::{Actor, AuditFile, Context, Entry, Journal, Subject};
use tailmint_core::Environment;

use crate::{ran::Ran, world::World};

pub(crate) fn state(world: &World) -> PathBuf {
    world.path().join(".local/state/tailmint")
}

pub(crate) fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(state(world)).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn audit(world: &World, arguments: &[&str]) -> Ran {
    world.run(&[&["audit"], arguments].concat())
}

/// A log with a mint in each of three files.
fn rotated() -> World {
    let world = World::new();
    for number in 0..3 {
        if number > 0 {
            assert_eq!(audit(&world, &["rotate"]).code, 0);
        }
        assert_eq!(world.run(&["mint"]).code, 0);
    }
    world
}

#[test]
fn the_lines_before_stay_beside_the_log_and_all_are_read() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    assert_snapshot!(audit(&world, &["rotate"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: the lines before are in [dir]/.local/state/tailmint/audit.jsonl.000001
    ");
    assert_snapshot!(audit(&world, &["rotate"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: there is no line to rotate
    ");
    assert_eq!(world.run(&["mint"]).code, 0);
    let expected = ["audit.jsonl", "audit.jsonl.000001", "audit.key"];
    assert_eq!(names(&world), expected);
    let mode = |name: &str| {
        let metadata = state(&world).join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(expected.map(mode), [0o600; 3]);
    assert_snapshot!(audit(&world, &["verify"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: 9 entries in 2 files, none changed
    ");
    assert_eq!(audit(&world, &["show"]).stdout.lines().count(), 9);
    assert_eq!(
        audit(&world, &["tail", "-n", "7"]).stdout.lines().count(),
        7
    );
    let head = audit(&world, &["head"]).stdout;
    assert!(head.starts_with("9 "), "{head}");
    // The first line of the next file names the one before.
    let text = fs::read_to_string(state(&world).join("audit.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "rotated");
    assert_eq!(first["file"], "audit.jsonl.000001");
    assert_eq!((&first["number"], &first["last"]), (&1.into(), &4.into()));
    let before = fs::read_to_string(state(&world).join("audit.jsonl.000001")).unwrap();
    let last: serde_json::Value = serde_json::from_str(before.lines().last().unwrap()).unwrap();
    assert_eq!(first["prev"], last["hash"]);
    // A head of a line in the file before is found.
    let old = format!("4 {}", last["hash"].as_str().unwrap());
    assert_eq!(audit(&world, &["verify", "--head", &old]).code, 0);
    // And so are keys that were minted before, to be revoked.
    assert_eq!(world.run(&["keys", "revoke", "--minted"]).code, 0);
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[test]
fn what_was_removed_of_the_files_is_said() {
    let world = rotated();
    let file = |number: u32| state(&world).join(format!("audit.jsonl.00000{number}"));
    let aside = world.path().join("aside");
    fs::rename(file(2), &aside).unwrap();
    assert_snapshot!(audit(&world, &["verify"]), @"
    exit status: 11
    --- stderr
    audit.jsonl, line 1: it continues a file whose last line has number 9, where 4 is due
    audit.jsonl, line 1: what it says of the lines before it is another
    error: [dir]/.local/state/tailmint/audit.jsonl was changed: its chain breaks at line 1
    hint: the lines before that one are unchanged
    ");
    fs::rename(&aside, file(2)).unwrap();
    fs::remove_file(file(1)).unwrap();
    assert_snapshot!(audit(&world, &["verify"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: 10 entries in 2 files, none changed; it begins with line 5: the files up to number 1 are not here; the log does not say that they were to be removed
    ");
    // It breaks where it did: in a file that is not the newest.
    let text = fs::read_to_string(file(2)).unwrap();
    fs::write(
        file(2),
        text.replacen("api.tailscale.com", "api.tailscale.net", 1),
    )
    .unwrap();
    let said =
        "[dir]/.local/state/tailmint/audit.jsonl.000002 was changed: its chain breaks at line 2\n";
    let ran = audit(&world, &["verify"]);
    assert!(ran.to_string().contains(said), "{ran}");
}

/// Has the log reach the size that it is rotated at.
fn fill(world: &World) {
    let path = state(world).join("audit.jsonl");
    let journal = journal(AuditFile::open(path.clone()).unwrap());
    while path.metadata().unwrap().len() < 65_536 {
        journal.decision(&Line("/filler".to_owned()), &[]).unwrap();
    }
}

#[test]
fn a_log_is_rotated_by_itself_and_as_many_files_are_kept_as_the_configuration_says() {
    let world = World::new();
    world.config("[audit]\nrotate-bytes = 65536\nkeep = 2\n");
    assert_eq!(world.run(&["mint"]).code, 0);
    for rotations in 1..=3 {
        fill(&world);
        let archived = format!("audit.jsonl.{rotations:06}");
        assert!(!names(&world).contains(&archived));
        assert_eq!(world.run(&["mint"]).code, 0);
        assert!(names(&world).contains(&archived), "{rotations}");
    }
    let expected = [
        "audit.jsonl",
        "audit.jsonl.000002",
        "audit.jsonl.000003",
        "audit.key",
    ];
    assert_eq!(names(&world), expected);
    for name in &expected[1..3] {
        let bytes = state(&world).join(name).metadata().unwrap().len();
        assert!((65_536..72_000).contains(&bytes), "{name}: {bytes}");
    }
    let ran = audit(&world, &["verify"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("the files up to number 1 are not here; the log says that they were to be removed, which proves nothing\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_log_that_is_not_there_is_not_rotated() {
    let world = World::new();
    assert_snapshot!(audit(&world, &["rotate"]), @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/.local/state/tailmint/audit.jsonl: it is not there
    hint: name the file of an audit log with --audit-file
    ");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_run_that_is_killed_while_it_rotates_the_log_loses_nothing_and_the_next_removes_the_rest() {
    let world = World::new();
    world.config("[audit]\nrotate-bytes = 65536\nkeep = 2\n");
    for round in 0..2 {
        for point in [
            "audit-rotate-linked",
            "audit-rotate-written",
            "audit-rotate-renamed",
        ] {
            fill(&world);
            let killed = world
                .tailmint(&["mint"])
                .env("FAILPOINTS", format!("{point}=return"))
                .run();
            assert_eq!(killed.code, 128 + 9, "{point}: {killed}");
            let ran = audit(&world, &["verify"]);
            assert_eq!(ran.code, 0, "{point}, {round}: {ran}");
            assert_eq!(world.run(&["mint"]).code, 0);
        }
    }
    assert_eq!(audit(&world, &["rotate"]).code, 0);
    // Each point was a rotation, and this was one more.
    let expected = [
        "audit.jsonl",
        "audit.jsonl.000006",
        "audit.jsonl.000007",
        "audit.key",
    ];
    assert_eq!(names(&world), expected);
    assert_eq!(audit(&world, &["verify"]).code, 0);
}

#[test]
fn a_copy_of_the_log_with_a_date_costs_no_file() {
    let world = World::new();
    world.config("[audit]\nrotate-bytes = 1000000000\nkeep = 2\n");
    assert_eq!(world.run(&["mint"]).code, 0);
    let copy = "audit.jsonl.20261126";
    fs::copy(state(&world).join("audit.jsonl"), state(&world).join(copy)).unwrap();
    for _ in 0..3 {
        assert_eq!(audit(&world, &["rotate"]).code, 0);
        assert_eq!(world.run(&["mint"]).code, 0);
    }
    let files: Vec<_> = names(&world)
        .into_iter()
        .filter(|it| it.starts_with("audit.jsonl"))
        .collect();
    assert_eq!(
        files,
        [
            "audit.jsonl",
            "audit.jsonl.000002",
            "audit.jsonl.000003",
            copy
        ]
    );
    fs::remove_file(state(&world).join(copy)).unwrap();
    assert_eq!(audit(&world, &["verify"]).code, 0);
}

#[test]
fn how_a_log_is_rotated_makes_sense_or_is_an_error() {
    for (section, said) in [
        (
            "rotate-bytes = 1000",
            "rotate-bytes is between 65536 (64 KiB) and 1073741824 (1 GiB)",
        ),
        (
            "rotate-bytes = 2000000000",
            "rotate-bytes is between 65536 (64 KiB) and 1073741824 (1 GiB)",
        ),
        ("rotate-days = 0", "expected a nonzero u32"),
        ("keep = 0", "expected a nonzero u32"),
        ("keep = -1", "expected a nonzero u32"),
        ("rotate = 1", "unknown field `rotate`"),
    ] {
        let world = World::new();
        world.config(&format!("[audit]\n{section}\n"));
        let ran = world.run(&["mint"]);
        assert_eq!(ran.code, 2, "{section}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{section}: {}", ran.stderr);
        assert_eq!(world.simulator.connections(), 0);
    }
}

#[test]
fn only_the_log_itself_is_rotated_and_written() {
    let world = rotated();
    let archived = state(&world).join("audit.jsonl.000001");
    let ran = world
        .tailmint(&["mint", "--audit-file"])
        .arg(&archived)
        .run();
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/.local/state/tailmint/audit.jsonl.000001: its name is that of a file that a log was rotated to
    hint: name the log, without the number
    ");
    let none = world.path().join("none");
    let ran = world
        .tailmint(&["audit", "rotate", "--audit-file"])
        .arg(&none)
        .run();
    assert_eq!(ran.code, 11, "{}", ran.stderr);
    assert!(!none.exists());
    // One file alone can be read.
    let ran = world
        .tailmint(&["audit", "verify", "--audit-file"])
        .arg(archived)
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("4 entries, none changed\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_no_file_among_them_is_not_waited_for() {
    let world = rotated();
    let archived = state(&world).join("audit.jsonl.000001");
    fs::remove_file(&archived).unwrap();
    let made = Command::new("mkfifo").arg(&archived).status().unwrap();
    assert!(made.success());
    assert_snapshot!(audit(&world, &["verify"]), @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/.local/state/tailmint/audit.jsonl.000001: it is a pipe
    hint: name the file of an audit log with --audit-file
    ");
    // Nor is it written to, or taken for a name that is free.
    assert_eq!(audit(&world, &["rotate"]).code, 0);
    assert!(names(&world).contains(&"audit.jsonl.000003".to_owned()));
}

/// A request that nobody makes, for an entry with this path.
pub(crate) struct Line(pub(crate) String);

impl Subject for Line {
    fn operation(&self) -> &'static str {
        "mint"
    }

    fn fill(&self, entry: &mut Entry<'_>) {
        entry.path.clone_from(&self.0);
    }
}

/// Writes entries to the log, without anything else.
pub(crate) fn journal(log: AuditFile) -> Journal {
    let context = Context::new(Actor::from_process(&Environment::default()));
    Journal::new(Some(Arc::new(log)), context).unwrap()
}
