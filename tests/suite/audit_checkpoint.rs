//! What is kept elsewhere of an audit log: signed, and verified here and by the package that
//! Go verifies its own checksum database with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::{go, ran::Ran, world::World};

fn state(world: &World) -> PathBuf {
    world.path().join(".local/state/tailmint")
}

fn audit(world: &World, arguments: &[&str]) -> Ran {
    world.run(&[&["audit"], arguments].concat())
}

/// A log with so many mints.
fn minted(mints: usize) -> World {
    let world = World::new();
    for _ in 0..mints {
        assert_eq!(world.run(&["mint"]).code, 0);
    }
    world
}

fn signed(world: &World, name: &str) -> PathBuf {
    let ran = audit(world, &["checkpoint"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    world.write(name, &ran.stdout)
}

fn public_key(world: &World) -> String {
    let ran = audit(world, &["checkpoint", "--public-key"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.trim_end().to_owned()
}

fn verify(world: &World, checkpoint: &Path) -> Ran {
    let checkpoint = checkpoint.display().to_string();
    audit(world, &["verify", "--checkpoint", &checkpoint])
}

/// The files of the log, the oldest first.
fn files(world: &World) -> Vec<PathBuf> {
    let state = state(world);
    let entries = fs::read_dir(&state).unwrap();
    let paths = entries.map(|it| it.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|it| it.display().to_string().contains("audit.jsonl."))
        .collect();
    files.sort();
    files.push(state.join("audit.jsonl"));
    files
}

/// What the program in Go says of the notes and the files of a log.
struct Notes(PathBuf);

impl Notes {
    fn build() -> Option<Self> {
        let program = ["build", "-trimpath", "-ldflags=-s -w", "."];
        let built = go::build("notes", "the notes of Go's checksum database", &[&program])?;
        Some(Self(built.join("notes")))
    }

    fn say(&self, command: &str, key: &str, files: &[PathBuf]) -> Result<Value, String> {
        let mut program = Command::new(&self.0);
        let output = program.args([command, key]).args(files).output().unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr)
                .unwrap()
                .trim_end()
                .to_owned())
        }
    }

    fn compare(&self, world: &World, key: &str, checkpoint: &Path) -> Result<Value, String> {
        let files = [vec![checkpoint.to_owned()], files(world)].concat();
        self.say("compare", key, &files)
    }
}

#[test]
fn a_checkpoint_is_a_note_of_three_lines_and_a_signature() {
    let world = minted(1);
    let path = signed(&world, "checkpoint");
    let note = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    let origin = lines[0].strip_prefix("tailmint-audit/").unwrap();
    assert_eq!(origin.len(), 16);
    // Four of the mint, and the one that names the key.
    assert_eq!((lines[1], lines[2].len(), lines[3]), ("5", 44, ""));
    assert!(lines[4].starts_with(&format!("\u{2014} {} ", lines[0])));
    assert_eq!(lines.len(), 5);
    let ran = verify(&world, &path).replacing(&state(&world).display().to_string(), "[state]");
    assert_snapshot!(ran, @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: 5 entries, none changed, line 5 and those before it as they were signed
    ");
    // The key is a secret; what is printed is not.
    let secret = fs::read_to_string(state(&world).join("audit.signing-key")).unwrap();
    let secret = secret.trim_end().splitn(5, '+').nth(4).unwrap();
    assert_eq!(secret.len(), 44);
    assert!(!note.contains(secret) && !public_key(&world).contains(secret));
    // Nothing was sent for it.
    assert_eq!(world.simulator.requests().len(), 2);
}

#[test]
fn what_was_done_to_a_log_is_found_by_its_checkpoint() {
    let world = minted(2);
    let checkpoint = signed(&world, "checkpoint");
    let file = state(&world).join("audit.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    assert_eq!(world.run(&["mint"]).code, 0);
    assert_eq!(verify(&world, &checkpoint).code, 0);
    // Its end was cut.
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(&file, lines[..7].join("\n") + "\n").unwrap();
    assert_snapshot!(verify(&world, &checkpoint), @"
    exit status: 11
    --- stderr
    error: [dir]/.local/state/tailmint/audit.jsonl: its last line has number 7; the checkpoint was signed for 9
    hint: lines were removed at its end, or the log is another one
    ");
    // Its middle was edited, and all that follows was written anew.
    fs::write(&file, forged(&lines)).unwrap();
    assert_eq!(audit(&world, &["verify"]).code, 0);
    assert_snapshot!(verify(&world, &checkpoint), @"
    exit status: 11
    --- stderr
    error: [dir]/.local/state/tailmint/audit.jsonl: it is not what was signed: a line up to 9 is another
    hint: a line was changed and all that follow were written anew, or the log is another one
    ");
    // It was exchanged for another log, with a key of its own.
    let other = minted(3);
    let theirs = signed(&other, "checkpoint");
    fs::copy(state(&other).join("audit.jsonl"), &file).unwrap();
    assert_snapshot!(verify(&world, &checkpoint), @"
    exit status: 11
    --- stderr
    error: [dir]/.local/state/tailmint/audit.jsonl: it is not what was signed: a line up to 9 is another
    hint: a line was changed and all that follow were written anew, or the log is another one
    ");
    // And so was its key.
    let key = |world: &World| state(world).join("audit.signing-key");
    fs::copy(key(&other), key(&world)).unwrap();
    assert_eq!(verify(&world, &theirs).code, 0);
    assert_snapshot!(verify(&world, &checkpoint), @"
    exit status: 11
    --- stderr
    error: [dir]/.local/state/tailmint/audit.jsonl: the checkpoint does not fit: it is of another log, or of one whose key was exchanged
    hint: the log is another one, or the checkpoint is; without --public-key, only the keys that the log names and the one beside it are believed
    ");
}

/// The lines with a change in the third, and with hashes that fit.
fn forged(lines: &[&str]) -> String {
    let mut link = tailmint_audit::line::Link::default();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let mut members: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let time = members["time"].as_str().unwrap().parse().unwrap();
        for own in ["v", "seq", "prev", "time", "hash"] {
            members.remove(own);
        }
        if index == 2 {
            members.insert("path".to_owned(), "/elsewhere".into());
        }
        let (line, next) = tailmint_audit::line::write(&link, time, &members).unwrap();
        text += &format!("{line}\n");
        link = next;
    }
    text
}

#[test]
fn what_is_no_checkpoint_is_an_error() {
    let world = minted(1);
    let checkpoint = signed(&world, "checkpoint");
    let note = fs::read_to_string(&checkpoint).unwrap();
    let forged = world.write("forged", &note.replacen("\n5\n", "\n4\n", 1));
    let ran = verify(&world, &forged);
    assert_eq!(ran.code, 11);
    assert!(
        ran.stderr.contains("no key of this log signed it\n"),
        "{}",
        ran.stderr
    );
    let none = world.write("none", "nothing\n");
    let ran = verify(&world, &none);
    assert_eq!(ran.code, 11);
    assert!(
        ran.stderr
            .contains("it is not a checkpoint in a signed note\n"),
        "{}",
        ran.stderr
    );
    for (path, said) in [
        ("/dev/zero", "it is not a regular file"),
        ("/", "it is not a regular file"),
        ("none-at-all", "No such file"),
    ] {
        let ran = verify(&world, Path::new(path));
        assert_eq!(ran.code, 2, "{path}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{path}: {}", ran.stderr);
    }
    // The key that somebody names is believed, and no other.
    let key = public_key(&world);
    let with_key = |world: &World, key: &str| {
        let checkpoint = checkpoint.display().to_string();
        audit(
            world,
            &["verify", "--checkpoint", &checkpoint, "--public-key", key],
        )
        .code
    };
    assert_eq!(with_key(&world, &key), 0);
    assert_eq!(with_key(&world, &public_key(&minted(1))), 11);
    assert_eq!(with_key(&world, "no key"), 2);
}

#[test]
fn a_key_is_exchanged_for_one_that_it_signs() {
    let world = minted(1);
    let before = signed(&world, "before");
    let old = public_key(&world);
    let ran = audit(&world, &["checkpoint", "--rotate-key"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let new = ran.stdout.trim_end();
    assert_eq!(public_key(&world), new);
    assert_ne!(new, old);
    let after = signed(&world, "after");
    assert_eq!(audit(&world, &["rotate"]).code, 0);
    for checkpoint in [&before, &after] {
        assert_eq!(verify(&world, checkpoint).code, 0);
    }
    let shown = audit(&world, &["show"]).stdout;
    assert!(
        shown.contains(&format!(" checkpoints are signed with {new}\n")),
        "{shown}"
    );
    assert!(
        shown.contains(" the log goes on after audit.jsonl.000001\n"),
        "{shown}"
    );
    // The note in the log is one that Go's package opens with the old key.
    let Some(notes) = Notes::build() else { return };
    let text = fs::read_to_string(&files(&world)[0]).unwrap();
    let line = text.lines().last().unwrap();
    let said: Value = serde_json::from_str(line).unwrap();
    let note = world.write("note", said["note"].as_str().unwrap());
    let opened = notes
        .say("open", &old, std::slice::from_ref(&note))
        .unwrap();
    let (origin, _) = old.split_once('+').unwrap();
    assert_eq!(opened, format!("{origin}\nnext key\n{new}\n"));
    assert!(notes.say("open", new, &[note]).is_err());
    assert_eq!(notes.compare(&world, new, &after), Ok(6.into()));
    assert_eq!(notes.compare(&world, &old, &before), Ok(5.into()));
}

#[test]
fn the_package_of_go_verifies_it_and_finds_what_was_done() {
    let Some(notes) = Notes::build() else { return };
    let world = minted(1);
    let key = public_key(&world);
    let mut checkpoints = vec![signed(&world, "0")];
    for name in ["1", "2", "3"] {
        if name == "2" {
            assert_eq!(audit(&world, &["rotate"]).code, 0);
        }
        assert_eq!(world.run(&["mint"]).code, 0);
        checkpoints.push(signed(&world, name));
    }
    for (checkpoint, lines) in checkpoints.iter().zip([5, 9, 14, 18]) {
        assert_eq!(notes.compare(&world, &key, checkpoint), Ok(lines.into()));
    }
    // Each extends the one before.
    for pair in checkpoints.windows(2) {
        let of = [pair.to_vec(), files(&world)].concat();
        let more = notes.say("extend", &key, &of).unwrap();
        assert!(more == 4 || more == 5, "{more}");
    }
    let last = checkpoints.last().unwrap();
    let file = state(&world).join("audit.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    let compare = || notes.compare(&world, &key, last).unwrap_err();
    // Its end was cut.
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(&file, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    assert_eq!(compare(), "cut: 17 lines of 18");
    assert_eq!(verify(&world, last).code, 11);
    // Its middle was edited.
    fs::write(
        &file,
        whole.replacen("api.tailscale.com", "api.tailscale.net", 1),
    )
    .unwrap();
    assert_eq!(compare(), "changed: the root is another");
    assert_eq!(verify(&world, last).code, 11);
    // It was exchanged for another log, which has a key of its own.
    let other = minted(5);
    let theirs = public_key(&other);
    fs::remove_file(&files(&world)[0]).unwrap();
    fs::copy(state(&other).join("audit.jsonl"), &file).unwrap();
    assert_eq!(compare(), "changed: the root is another");
    assert_eq!(verify(&world, last).code, 11);
    let foreign = notes.compare(&world, &theirs, last).unwrap_err();
    assert_eq!(foreign, "note has no verifiable signatures");
}

/// Where making or exchanging a key can be cut off.
#[cfg(feature = "failpoints")]
#[test]
fn killed_while_a_key_is_made_or_exchanged_the_next_checkpoint_is_signed() {
    for (arguments, point) in [
        (&["checkpoint"][..], "audit-signing-key-created"),
        (&["checkpoint"], "audit-signing-key-written"),
        (&["checkpoint"], "audit-before-writing"),
        (&["checkpoint"], "audit-synced"),
        (&["checkpoint", "--rotate-key"], "audit-signing-key-created"),
        (
            &["checkpoint", "--rotate-key"],
            "audit-signing-key-before-recording",
        ),
        (&["checkpoint", "--rotate-key"], "audit-before-writing"),
        (
            &["checkpoint", "--rotate-key"],
            "audit-signing-key-recorded",
        ),
    ] {
        let what = format!("{arguments:?} at {point}");
        let world = minted(1);
        let before = (arguments.len() > 1).then(|| signed(&world, "before"));
        let points = format!("{point}=return");
        let case = world.tailmint(&["audit"]).args(arguments);
        let ran = case.env("FAILPOINTS", points).run();
        assert_eq!(ran.code, 128 + 9, "{what}: {}", ran.stderr);
        let after = signed(&world, "after");
        for checkpoint in before.iter().chain([&after]) {
            let ran = verify(&world, checkpoint);
            assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
            assert!(!ran.stdout.contains("not signed"), "{what}: {}", ran.stdout);
        }
        // And the next key is signed by this one.
        assert_eq!(
            audit(&world, &["checkpoint", "--rotate-key"]).code,
            0,
            "{what}"
        );
        let ran = verify(&world, &after);
        assert!(
            ran.code == 0 && !ran.stdout.contains("not signed"),
            "{what}: {ran}"
        );
    }
}
