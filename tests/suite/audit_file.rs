//! Which files an audit log is written to, and which are left as they are.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::UnixListener,
    },
    path::Path,
};

use insta::assert_snapshot;

use crate::{credential_files::STRANGER, ran::Ran, tailnet::is_really_root, world::World};

/// A mint whose log is to be there.
fn mint(world: &World, log: &Path) -> Ran {
    world.tailmint(&["mint", "--audit-file"]).arg(log).run()
}

/// A mint that sends nothing, since the log cannot be where this puts something.
fn unfit(name: &str, make: impl FnOnce(&Path)) -> Ran {
    let world = World::new();
    let log = world.path().join(name);
    make(&log);
    let ran = mint(&world, &log);
    assert_eq!(world.simulator.connections(), 0, "{name}");
    ran
}

#[test]
fn a_secret_file_is_left_as_it_is() {
    let world = World::new();
    let other = world.write("secret", "tskey-client-k0-0\n");
    fs::set_permissions(&other, Permissions::from_mode(0o644)).unwrap();
    assert_snapshot!(mint(&world, &other), @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/secret: it does not begin like an audit log, and was left as it is
    hint: name a file that does not exist yet, or move this one away
    ");
    assert_eq!(fs::read_to_string(&other).unwrap(), "tskey-client-k0-0\n");
    let mode = other.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    assert!(!other.with_extension("key").exists());
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn a_link() {
    let ran = unfit("log", |log| symlink("/dev/null", log).unwrap());
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log: it is a symbolic link
    hint: name the file that the link leads to
    ");
}

#[test]
fn a_directory() {
    let ran = unfit("log", |log| fs::create_dir(log).unwrap());
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log: it is a directory
    hint: name a file
    ");
}

#[test]
fn a_socket() {
    let mut listener = None;
    let ran = unfit("log", |log| {
        listener = Some(UnixListener::bind(log).unwrap());
    });
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log: it is a socket
    hint: name a file
    ");
}

#[test]
fn a_file_of_another_user() {
    if !is_really_root() {
        println!("skipped: it takes root to give files away");
        return;
    }
    let ran = unfit("log", |log| {
        fs::write(log, "").unwrap();
        chown(log, Some(STRANGER), None).unwrap();
    });
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log: it belongs to the user 12345, who can change it
    hint: run this as that user, or name another file with --audit-file
    ");
}

#[test]
fn a_key_of_another_user() {
    if !is_really_root() {
        println!("skipped: it takes root to give files away");
        return;
    }
    let ran = unfit("log", |log| {
        let key = log.with_extension("key");
        fs::write(&key, [7; 32]).unwrap();
        chown(&key, Some(STRANGER), None).unwrap();
    });
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log.key: it belongs to the user 12345, who can change it
    hint: run this as that user, or name another file with --audit-file
    ");
}

#[test]
fn a_key_that_is_a_link() {
    let ran = unfit("log", |log| {
        symlink("/dev/zero", log.with_extension("key")).unwrap();
    });
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log.key: it is a symbolic link
    hint: name the file that the link leads to
    ");
}

#[test]
fn a_key_that_was_cut_off() {
    let ran = unfit("log", |log| {
        fs::write(log.with_extension("key"), [7; 5]).unwrap();
    });
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the audit file [dir]/log.key: it has 5 bytes; the key of an audit log has 32
    hint: if it is the key, remove it: secrets have other fingerprints from then on; if it is not, name the log otherwise
    ");
}

#[test]
fn a_log_and_a_key_that_others_can_read_are_taken_from_them() {
    let world = World::new();
    let log = world.path().join("log.jsonl");
    assert_eq!(mint(&world, &log).code, 0);
    let files = [log.clone(), log.with_extension("key")];
    for file in &files {
        fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    assert_eq!(mint(&world, &log).code, 0);
    for file in &files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{}", file.display());
    }
}
