//! Credentials that a command prints.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::{case::Case, ran::Ran, world::World};

const BY_NAME: &str = "version = 1\n[credentials]\ncommands = [\"keep\"]\n";

/// A world whose OAuth client is with a program, `keep`, which is run for the secret, and,
/// with the argument `id`, for the id.
struct Kept {
    world: World,
}

impl Kept {
    /// Where the program is this script of the shell; `$secret` has the secret.
    fn by(script: &str) -> Self {
        let world = World::new();
        fs::create_dir(world.path().join("bin")).unwrap();
        let kept = Self { world };
        let client = kept.world.simulator.client("bootstrap").unwrap();
        // The files are in the way of no command.
        let [id, secret] = ["id", "secret"].map(|half| {
            let name = format!("tailscale-oauth-client-{half}");
            kept.world.secrets().join(name)
        });
        fs::remove_file(id).unwrap();
        fs::rename(secret, kept.world.path().join("kept")).unwrap();
        let text = format!(
            "#!/bin/sh\nhere={}\necho $$ > $here/ran\nsecret=$(cat $here/kept)\n\
             if [ \"$1\" = id ]; then echo {}; exit; fi\n{script}\n",
            kept.world.path().display(),
            client.id,
        );
        fs::write(kept.program(), text).unwrap();
        fs::set_permissions(kept.program(), fs::Permissions::from_mode(0o755)).unwrap();
        kept.configure("id-command = [\"keep\", \"id\"]\nsecret-command = [\"keep\"]\n");
        kept.allow(BY_NAME);
        kept
    }

    fn program(&self) -> PathBuf {
        self.world.path().join("bin/keep")
    }

    fn configure(&self, members: &str) {
        let text = format!("[profiles.bootstrap]\n{members}");
        self.write("config.toml", &text);
    }

    fn allow(&self, policy: &str) {
        self.write("policy.toml", policy);
    }

    fn write(&self, name: &str, text: &str) {
        let directory = self.world.path().join(".config/tailmint");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), text).unwrap();
    }

    fn tailmint(&self, arguments: &[&str]) -> Case<'_> {
        let bin = self.world.path().join("bin");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        self.world.tailmint(arguments).env("PATH", path)
    }

    fn mint(&self) -> Ran {
        self.tailmint(&["mint"]).run()
    }

    fn has_run(&self) -> bool {
        self.world.path().join("ran").exists()
    }

    fn mints(&self) {
        let before = self.world.simulator.keys().len();
        let ran = self.mint();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(self.world.simulator.keys().len(), before + 1);
    }

    /// Nothing is sent.
    fn fails(&self) -> Ran {
        let ran = self.mint();
        assert_eq!(self.world.simulator.connections(), 0);
        ran
    }
}

const PRINT: &str = "printf %s \"$secret\"";

#[test]
fn a_command_prints_the_client() {
    Kept::by(PRINT).mints();
}

#[test]
fn the_policy_names_the_program_or_its_path() {
    let kept = Kept::by(PRINT);
    let path = kept.program();
    let by_path = BY_NAME.replace("\"keep\"", &format!("{path:?}"));
    kept.allow(&by_path);
    kept.mints();
    kept.configure(&format!(
        "id-command = [{path:?}, \"id\"]\nsecret-command = [{path:?}]\n"
    ));
    kept.mints();
    // Any program can have the name.
    kept.allow(BY_NAME);
    let ran = kept.mint();
    assert_eq!(ran.code, 12, "{}", ran.stderr);
}

#[test]
fn one_half_is_in_a_file_and_the_other_with_a_command() {
    let kept = Kept::by(PRINT);
    kept.configure("secret-command = [\"keep\"]\n");
    assert_snapshot!(kept.fails(), @"
    exit status: 10
    --- stderr
    error: [dir]/secrets/tailscale-oauth-client-id is missing
    hint: put the value at [dir]/secrets/tailscale-oauth-client-id, mode 0600
    ");
    let id = kept.world.simulator.client("bootstrap").unwrap().id;
    let path = kept.world.secrets().join("tailscale-oauth-client-id");
    fs::write(path, id).unwrap();
    kept.mints();
}

#[test]
fn no_command_is_run_that_the_policy_does_not_name() {
    let kept = Kept::by(PRINT);
    for policy in [
        "version = 1\n",
        "version = 1\n[credentials]\ncommands = [\"other\"]\n",
        // What is only reported of requests is denied here.
        "version = 1\nmode = \"report\"\n",
    ] {
        kept.allow(policy);
        assert_eq!(kept.fails().code, 12);
        assert!(!kept.has_run());
    }
    assert_snapshot!(kept.fails(), @r#"
    exit status: 12
    --- stderr
    error: the policy denies it by rule credentials: command: "keep" is not allowed
    hint: to allow it, add "keep" to credentials.commands in [dir]/.config/tailmint/policy.toml
    "#);
}

#[test]
fn a_command_that_fails_shows_its_last_words_without_secrets() {
    let kept =
        Kept::by("echo one >&2; echo \"two: $secret\" >&2; echo three >&2; echo four >&2; exit 3");
    assert_snapshot!(kept.fails(), @"
    exit status: 10
    --- stderr
    error: keep: exit status: 3: two: [secret]; three; four
    hint: run the command of the profile by itself, and see what it wants
    ");
}

#[test]
fn a_command_that_succeeds_shows_nothing() {
    let kept = Kept::by("echo hello >&2; printf '%s\\n' \"$secret\"");
    assert_eq!(kept.mint().stderr, "");
}

#[test]
fn what_a_command_prints_is_judged_as_a_file_is() {
    assert_snapshot!(Kept::by("echo \"$secret\"; echo more").fails(), @"
    exit status: 10
    --- stderr
    error: keep: what it printed cannot be used: it has more than one line
    hint: have the command print the bare value, and nothing else
    ");
    assert_snapshot!(Kept::by("true").fails(), @"
    exit status: 10
    --- stderr
    error: keep: what it printed cannot be used: it is empty
    hint: have the command print the bare value, and nothing else
    ");
    let endless = Kept::by("exec cat /dev/zero");
    let begun = Instant::now();
    assert_snapshot!(endless.fails(), @"
    exit status: 10
    --- stderr
    error: keep: what it printed cannot be used: it is longer than 4096 bytes
    hint: have the command print the bare value, and nothing else
    ");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn quotes_that_a_command_prints_are_left_out_with_a_note() {
    let ran = Kept::by("echo \"'$secret'\"").mint();
    assert_eq!(ran.code, 0);
    assert_snapshot!(ran.stderr, @"note: the command keep: quotes and blanks around the value are left out");
}

#[test]
fn a_program_that_is_not_there() {
    let kept = Kept::by(PRINT);
    fs::remove_file(kept.program()).unwrap();
    assert_snapshot!(kept.fails(), @"
    exit status: 10
    --- stderr
    error: keep: it cannot be run: there is no such program
    hint: install it, or name its absolute path in the profile
    ");
}

/// An agent that asks for a passphrase has the terminal.
#[test]
fn a_command_has_the_standard_input() {
    let kept = Kept::by("cat");
    let script = format!("\"$0\" \"$@\" < {}/kept", kept.world.path().display());
    let case = kept
        .tailmint(&["mint"])
        .started_by("/bin/sh", &["-c", &script]);
    let ran = case.run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_command_does_not_learn_another_credential() {
    let kept = Kept::by(&format!("env > $here/environment; {PRINT}"));
    let case = kept.tailmint(&["mint"]);
    let case = case.env("TAILSCALE_API_KEY", kept.world.simulator.api_key());
    let ran = case.env("TAILSCALE_TAILNET", "-").env("GPG_TTY", "x").run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let environment = fs::read(kept.world.path().join("environment")).unwrap();
    kept.world.assert_no_secret(&environment, "its environment");
    assert!(
        String::from_utf8(environment)
            .unwrap()
            .contains("GPG_TTY=x")
    );
}

#[test]
fn a_signal_ends_a_command_that_waits() {
    let kept = Kept::by("exec sleep 600");
    let mut child = kept.tailmint(&["mint"]).spawn();
    let begun = Instant::now();
    let pid = loop {
        // The id's run comes first.
        let ran = fs::read_to_string(kept.world.path().join("ran")).unwrap_or_default();
        let pid = ran.trim().parse().ok().and_then(Pid::from_raw);
        let is_asleep = |pid: &Pid| {
            let path = format!("/proc/{}/comm", pid.as_raw_nonzero());
            fs::read_to_string(path).is_ok_and(|name| name.trim() == "sleep")
        };
        match pid.filter(is_asleep) {
            Some(pid) => break pid,
            None => sleep(Duration::from_millis(10)),
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
    };
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(143));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_snapshot!(said, @"error: interrupted");
    // It is no zombie of this process, and does not live on.
    assert!(!PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero())).exists());
}

#[test]
fn a_check_tells_of_commands() {
    let kept = Kept::by(PRINT);
    let check = || {
        let ran = kept.tailmint(&["check", "--tailscale", "/no/such/tailscale"]);
        let ran = ran.run().to_string();
        let told = ran.lines().filter(|line| line.contains("credential"));
        told.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(check(), @"passed bootstrap credential: it is from the command keep, which is in order");
    kept.allow("version = 1\n");
    assert_snapshot!(check(), @r#"
    failed bootstrap credential: the policy denies it by rule credentials: command: "keep" is not allowed
           to allow it, add "keep" to credentials.commands in [dir]/.config/tailmint/policy.toml
    "#);
}

#[test]
fn what_writes_clients_needs_files() {
    let kept = Kept::by(PRINT);
    for command in ["create", "rotate", "delete"] {
        let case = kept.tailmint(&["clients", command]);
        let case = case.env("TAILSCALE_API_KEY", kept.world.simulator.api_key());
        let ran = case.env("TAILSCALE_TAILNET", "-").run();
        assert_eq!(ran.code, 10, "{command}: {}", ran.stderr);
    }
    assert_eq!(kept.world.simulator.connections(), 0);
    let ran = kept.world.as_owner(&["clients", "create"]).run();
    assert_snapshot!(ran, @"
    exit status: 10
    --- stderr
    error: the OAuth client of profile bootstrap comes from a command: there is no file to write it to
    hint: give the profile id-file and secret-file in place of its commands
    ");
}

#[test]
fn a_profile_with_a_file_and_a_command_for_the_same() {
    let kept = Kept::by(PRINT);
    kept.configure("secret-file = \"a\"\nsecret-command = [\"keep\"]\n");
    assert_snapshot!(kept.fails(), @"
    exit status: 2
    --- stderr
    error: [dir]/.config/tailmint/config.toml: profile bootstrap has secret-file and secret-command
    hint: keep secret-file or secret-command
    ");
}

#[test]
fn a_command_without_a_program() {
    let kept = Kept::by(PRINT);
    kept.configure("secret-command = []\n");
    assert_snapshot!(kept.fails(), @"
    exit status: 2
    --- stderr
    error: [dir]/.config/tailmint/config.toml:2:18: give a program by its name or its absolute path, and its arguments
      |
    2 | secret-command = []
      |                  ^^
    hint: correct the file; docs/guide.md shows one
    ");
    kept.configure("secret-command = [\"bin/keep\"]\n");
    assert_eq!(kept.fails().code, 2);
}
