//! Writers of an audit log and rotations of it that are killed: no line is lost or doubled.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    num::NonZero,
    ops::ControlFlow,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use tailmint_audit::{AuditFile, Rotation, follow};

use crate::{
    audit_rotation::{Line, audit, journal, names, state},
    world::World,
};

const WRITERS: usize = 16;
const LINES: usize = 40;

/// Tells the program what one of many processes is to do.
const WORK: &str = "TAILMINT_TEST_ROTATION";

/// Where a rotation can be cut off.
const POINTS: [&str; 3] = [
    "audit-rotate-written",
    "audit-rotate-linked",
    "audit-rotate-renamed",
];

/// Each of the writers says what it has written, and four of them are killed. Meanwhile the log is
/// rotated by its size and by a command, which is killed at every point.
#[test]
fn no_line_is_lost_or_doubled_by_writers_and_rotations_that_are_killed() {
    let name = "audit_killed::no_line_is_lost_or_doubled_by_writers_and_rotations_that_are_killed";
    if let Some(directory) = std::env::var_os(WORK) {
        return write(Path::new(&directory));
    }
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    let readers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name, "--nocapture"])
                .env(WORK, state(&world))
                .env("RUST_TEST_THREADS", "1")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            thread::spawn(move || written(&mut child, writer % 4 == 0))
        })
        .collect();
    let mut rotations = 0;
    while readers.iter().any(|it| !it.is_finished()) {
        for point in POINTS {
            let points = format!("{point}=return");
            let ran = world
                .tailmint(&["audit", "rotate"])
                .env("FAILPOINTS", points)
                .run();
            let is_killed = ran.code == 128 + 9;
            let is_empty = ran.stdout.contains("there is no line to rotate");
            assert!(is_killed || is_empty, "{point}: {}", ran.stderr);
            rotations += usize::from(is_killed);
        }
        assert_eq!(audit(&world, &["rotate"]).code, 0);
    }
    assert!(rotations >= POINTS.len(), "{rotations}");
    let mut said: Vec<String> = Vec::new();
    for reader in readers {
        said.extend(reader.join().unwrap());
    }
    assert!(said.len() >= LINES * WRITERS * 3 / 4, "{}", said.len());
    let mut paths: BTreeMap<String, usize> = BTreeMap::new();
    let found = follow(&state(&world).join("audit.jsonl"), |entry| {
        if entry.text("path").starts_with("/writer/") {
            *paths.entry(entry.text("path").to_owned()).or_default() += 1;
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.breaks, []);
    assert!(found.files > 3, "{}", found.files);
    assert!(found.continues.is_none());
    assert!(paths.values().all(|times| *times == 1), "{paths:?}");
    for path in &said {
        assert!(paths.contains_key(path), "{path} was written, and is lost");
    }
    // A writer that is killed can have written one line more than it said.
    assert!(paths.len() <= said.len() + WRITERS / 4, "{}", paths.len());
    // What was left behind is cleared by the next rotation.
    assert_eq!(world.run(&["mint"]).code, 0);
    assert_eq!(audit(&world, &["rotate"]).code, 0);
    assert!(!names(&world).contains(&"audit.jsonl.new".to_owned()));
}

/// What the writer says that it has written, to its end or until it is killed half-way.
fn written(child: &mut Child, is_killed: bool) -> Vec<String> {
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test runner says something too.
        if let Some(at) = line.find("/writer/") {
            said.push(line[at..].to_owned());
        }
        if is_killed && said.len() == LINES / 2 {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    if is_killed {
        assert_eq!(status.signal(), Some(9));
    } else {
        assert!(status.success(), "{said:?}");
        assert_eq!(said.len(), LINES);
    }
    said
}

/// What each of the writers does.
fn write(directory: &Path) {
    let rotation = Rotation {
        bytes: NonZero::new(20_000),
        ..Rotation::default()
    };
    let log = AuditFile::open(directory.join("audit.jsonl")).unwrap();
    let journal = journal(log.rotating(rotation));
    let process = std::process::id();
    for line in 0..LINES {
        let path = format!("/writer/{process}/{line}");
        journal.decision(&Line(path.clone()), &[]).unwrap();
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{path}").unwrap();
        stdout.flush().unwrap();
    }
}
