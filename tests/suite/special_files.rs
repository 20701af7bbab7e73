//! Commands that read a file that somebody names: what is not a regular file is neither
//! waited for nor read for ever, and no file is held in memory as a whole.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use tailmint_audit::line::{self, Link};

use crate::{ran::Ran, world::World};

/// None of them waits for anything.
const LIMIT: Duration = Duration::from_secs(10);

/// Twice as much as a command may hold of it.
const LOG_BYTES: usize = 64 << 20;
const MEMORY: &str = "--data=33554432";

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What each command says to the path, at once.
fn each(path: &str) -> Vec<Ran> {
    let world = World::new();
    fifo(&world.path().join("fifo"));
    fs::create_dir(world.path().join("directory")).unwrap();
    let path = world.path().join(path).display().to_string();
    let commands: [&[&str]; 4] = [
        &["audit", "verify", "--audit-file", &path],
        &["audit", "show", "--audit-file", &path],
        &["component", "inspect", &path],
        #[cfg(feature = "compiler")]
        &["mint", "--component", &path],
        #[cfg(not(feature = "compiler"))]
        &["component", "inspect", &path],
    ];
    let said = commands.map(|command| {
        let begun = Instant::now();
        let ran = world.tailmint(command).run().replacing(&path, "[path]");
        assert!(begun.elapsed() < LIMIT, "{command:?}");
        ran
    });
    assert_eq!(world.simulator.connections(), 0);
    said.into()
}

#[test]
fn a_device_that_never_ends_is_not_read() {
    let said = each("/dev/zero");
    assert_snapshot!(said[0], @"
    exit status: 11
    --- stderr
    error: the audit file [path]: it is a device
    hint: name the file of an audit log with --audit-file
    ");
    assert_snapshot!(said[2], @"
    exit status: 2
    --- stderr
    error: [path]: it is not a regular file
    hint: give another file
    ");
    assert!(said.iter().all(|ran| ran.code != 0));
}

#[test]
fn a_pipe_a_directory_and_a_terminal_are_not_waited_for() {
    for (path, what) in [
        ("fifo", "a pipe"),
        ("directory", "a directory"),
        ("/dev/ptmx", "a device"),
    ] {
        let said = each(path);
        let told = format!("it is {what}\n");
        assert!(said[0].stderr.contains(&told), "{}", said[0].stderr);
        let told = "it is not a regular file\n";
        assert!(said[2].stderr.contains(told), "{}", said[2].stderr);
        assert!(said.iter().all(|ran| ran.code != 0), "{path}");
    }
}

#[test]
fn a_component_of_a_terabyte_is_not_read() {
    let world = World::new();
    let path = world.path().join("component.wasm");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let ran = world.tailmint(&["component", "inspect"]).arg(&path).run();
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: [dir]/component.wasm: it has more than 64 MiB
    hint: give another file
    ");
}

#[test]
fn a_log_is_read_line_by_line() {
    let world = World::new();
    let path = world.path().join("audit.jsonl");
    let mut log = BufWriter::new(File::create(&path).unwrap());
    let mut link = Link::default();
    let mut bytes = 0;
    let content = std::collections::BTreeMap::from([("text", "x".repeat(8 * 1024))]);
    let now = jiff::Timestamp::now();
    while bytes < LOG_BYTES {
        let (line, next) = line::write(&link, now, &content).unwrap();
        writeln!(log, "{line}").unwrap();
        bytes += line.len() + 1;
        link = next;
    }
    log.flush().unwrap();
    for command in ["verify", "head", "tail"] {
        let ran = world
            .tailmint(&["audit", command, "--audit-file"])
            .arg(&path)
            .started_by("prlimit", &[MEMORY])
            .run();
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
}
