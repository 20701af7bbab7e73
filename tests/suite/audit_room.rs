//! Where there is no room for the audit log: what cannot be written down is not sent, and
//! what was sent is written down to its end.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use tailmint_audit::verify;
use tailmint_simulator::{Endpoint, Fault};

use crate::{
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

/// A disk of its own that the log is on.
struct Disk<'a> {
    world: &'a World,
    path: PathBuf,
}

impl<'a> Disk<'a> {
    fn mount(world: &'a World, kind: &str, options: &str) -> Self {
        let path = world.path().join("disk");
        fs::create_dir(&path).unwrap();
        let disk = Self { world, path };
        disk.mounted(&["-t", kind, "-o", options, kind]);
        disk
    }

    fn mounted(&self, arguments: &[&str]) {
        let mut mount = Command::new("mount");
        let done = mount.args(arguments).arg(&self.path).status().unwrap();
        assert!(done.success(), "{arguments:?}");
    }

    fn log(&self) -> PathBuf {
        self.path.join("audit.jsonl")
    }

    fn arguments(&self) -> [String; 3] {
        let log = self.log().display().to_string();
        ["mint".to_owned(), "--audit-file".to_owned(), log]
    }

    fn mint(&self) -> Ran {
        self.world.run(&self.arguments())
    }

    /// Takes all that is left of it.
    fn fill(&self) {
        fs::write(self.path.join("filler"), vec![0; 1 << 20]).unwrap_err();
        fs::write(self.path.join("more"), [0]).unwrap_err();
    }
}

fn on_a_disk(kind: &str, options: &str, test: impl FnOnce(&Disk<'_>)) {
    if !is_really_root() {
        println!("skipped: it takes root to mount a disk");
        return;
    }
    in_mount_namespace(|| {
        let world = World::new();
        test(&Disk::mount(&world, kind, options));
    });
}

#[test]
fn a_full_or_read_only_disk_mints_no_key() {
    on_a_disk("tmpfs", "size=256k", |disk| {
        assert_eq!(disk.mint().code, 0);
        disk.fill();
        // What was kept is enough for some.
        let mut runs = (0..80).map(|_| disk.mint());
        let ran = runs.find(|ran| ran.code != 0).expect("it is full");
        assert_eq!(ran.code, 11, "{}", ran.stderr);
        let full = "error: the audit file [dir]/disk/audit.jsonl: No space left on device (os error 28)\nhint: what cannot be written down is not sent; make room, or name another file with --audit-file\n";
        assert_eq!(disk.world.steady(&ran.stderr), full);
        // From now on nothing is sent at all.
        let (requests, keys) = (disk.world.lines().len(), disk.world.simulator.keys().len());
        assert!(requests - 2 * keys <= 1, "one token at the most");
        assert_eq!(disk.mint().code, 11);
        assert_eq!(disk.world.lines().len(), requests);
        // What was minted can be revoked.
        let id = disk.world.simulator.keys()[0].id.clone();
        let [_, flag, log] = disk.arguments();
        let ran = disk
            .world
            .as_owner(&["keys", "revoke", &id, &flag, &log])
            .run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        // And what was written is whole.
        assert!(verify(&disk.log()).unwrap().is_whole());
        let requests = disk.world.lines().len();
        disk.mounted(&["-o", "remount,ro"]);
        let ran = disk.mint();
        assert_eq!(ran.code, 11);
        let read_only = "error: the audit file [dir]/disk/audit.jsonl: Read-only file system (os error 30)\nhint: what cannot be written down is not sent; name another file with --audit-file\n";
        assert_eq!(disk.world.steady(&ran.stderr), read_only);
        assert_eq!(disk.world.lines().len(), requests);
    });
}

#[test]
fn a_disk_without_room_for_what_may_follow_sends_nothing() {
    on_a_disk("tmpfs", "size=48k", |disk| {
        assert_eq!(disk.mint().code, 11);
        assert_eq!(disk.world.simulator.requests().len(), 0);
    });
}

fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(5));
    }
}

/// Fills the disk between the request for a key and its response.
fn filled_meanwhile(disk: &Disk<'_>, interrupt: bool) -> Ran {
    let simulator = &disk.world.simulator;
    let delay = Fault::Delay(Duration::from_millis(700));
    simulator.misbehave(Endpoint::Keys, delay, 1);
    let before = simulator.requests().len();
    let child = disk.world.tailmint(&disk.arguments()).spawn();
    wait_until("the request for a key", || {
        simulator.requests().len() == before + 2
    });
    disk.fill();
    if interrupt {
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    }
    disk.world.finish(child)
}

fn is_whole(log: &Path) -> u64 {
    let found = verify(log).unwrap();
    assert_eq!((found.breaks.len(), found.torn_tail), (0, false));
    found.entries
}

#[test]
fn on_a_disk_that_is_filled_meanwhile_the_key_is_revoked() {
    on_a_disk("tmpfs", "size=256k", |disk| {
        let ran = filled_meanwhile(disk, true);
        assert_eq!(ran.code, 130, "{}", ran.stderr);
        assert_eq!(
            disk.world.steady(&ran.stderr),
            "error: interrupted; key [key 1] was created, and has been revoked\n"
        );
        assert_eq!(disk.world.simulator.keys().len(), 1);
        assert_eq!(disk.world.simulator.live_keys().len(), 0);
        // Four lines of the mint; at least two of the revocation.
        assert!(is_whole(&disk.log()) >= 6);
    });
}

/// Whether the last of four more lines, as long as the last four, would begin in one block
/// and end in another.
fn last_line_crosses(log: &Path) -> bool {
    const BLOCK: usize = 4096;
    const SLACK: usize = 16;
    let text = fs::read_to_string(log).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.len() + 1).collect();
    let next = &lines[lines.len() - 4..];
    let begin = text.len() + next[..3].iter().sum::<usize>();
    let end = begin + next[3];
    (begin + SLACK) / BLOCK < (end - SLACK) / BLOCK
}

#[test]
fn on_a_disk_that_is_filled_meanwhile_the_response_is_written_down() {
    on_a_disk("tmpfs", "size=256k", |disk| {
        assert_eq!(disk.mint().code, 0);
        // The line of the next response does not fit the block that is there by then.
        while !last_line_crosses(&disk.log()) {
            assert_eq!(disk.mint().code, 0);
        }
        let before = is_whole(&disk.log());
        let ran = filled_meanwhile(disk, false);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(is_whole(&disk.log()), before + 4);
    });
}

#[test]
fn a_disk_without_room_for_the_next_file_is_written_on() {
    on_a_disk("tmpfs", "size=512k", |disk| {
        // Long enough to be rotated, with room behind it for what follows one more mint.
        let is_ready =
            |it: fs::Metadata| it.len() >= 65_536 && it.blocks() * 512 >= it.len() + 96 * 1024;
        while !disk.log().metadata().is_ok_and(is_ready) {
            assert_eq!(disk.mint().code, 0);
        }
        disk.world.config("[audit]\nrotate-bytes = 65536\n");
        disk.fill();
        let before = is_whole(&disk.log());
        let ran = disk.mint();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let said = "warning: the log cannot be rotated, and is written on: the audit file [dir]/disk/audit.jsonl.new: No space left on device (os error 28)\n";
        assert_eq!(disk.world.steady(&ran.stderr), said);
        assert_eq!(is_whole(&disk.log()), before + 4);
        assert!(!disk.path.join("audit.jsonl.new").exists());
        // Once there is room, it is rotated.
        fs::remove_file(disk.path.join("filler")).unwrap();
        assert_eq!(disk.mint().code, 0);
        assert!(disk.path.join("audit.jsonl.000001").exists());
        assert_eq!(is_whole(&disk.log()), before + 4 + 1 + 4);
    });
}

#[test]
fn a_file_system_that_cannot_keep_room_will_do() {
    on_a_disk("ramfs", "mode=700", |disk| {
        assert_eq!(disk.mint().code, 0);
        assert_eq!(is_whole(&disk.log()), 4);
    });
}

#[test]
fn a_limit_of_file_sizes_is_a_full_disk() {
    let world = World::new();
    let ran = world
        .tailmint(&["mint"])
        .started_by("prlimit", &["--fsize=65536"])
        .run();
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/.local/state/tailmint/audit.jsonl: File too large (os error 27)
    hint: what cannot be written down is not sent; make room, or name another file with --audit-file
    ");
    assert_eq!(world.simulator.requests().len(), 0);
}
