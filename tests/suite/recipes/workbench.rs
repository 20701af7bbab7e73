use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tailmint_simulator::Setup;

use crate::{
    case::program,
    stand_in::StandIn,
    tailnet::is_really_root,
    world::{World, holds},
};

/// Where a recipe is run: `tailmint`, which reaches the simulator of the API, the
/// stand-in for `tailscale`, and a directory to be in.
pub(super) struct Workbench {
    pub(super) world: World,
    pub(super) machine: StandIn,
}

impl Workbench {
    pub(super) fn new() -> Self {
        Self::with(&Setup::default())
    }

    pub(super) fn with(setup: &Setup) -> Self {
        let world = World::with(setup);
        let machine = StandIn::new(&world, "NeedsLogin");
        fs::create_dir(world.path().join("work")).unwrap();
        let bench = Self { world, machine };
        let tailmint = format!(
            r#"exec '{}' --connect-to {} --ca-file '{}' "$@""#,
            program().display(),
            bench.world.simulator.address(),
            bench.world.path().join("ca.pem").display(),
        );
        bench.put("tailmint", &tailmint);
        bench
    }

    /// Where the commands are that stand in for others.
    pub(super) fn bin(&self) -> PathBuf {
        self.world.path().join("bin")
    }

    /// Puts a command there, which does what the script says.
    pub(super) fn put(&self, name: &str, script: &str) {
        let path = self
            .world
            .write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a file into the directory that the recipe is run in.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        self.world.write(&format!("work/{name}"), text)
    }

    /// A file that the recipe wrote there.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.world.path().join("work").join(name)).unwrap()
    }

    /// A program with nothing but a `HOME` and a `PATH`.
    pub(super) fn command(&self, program: &str) -> Command {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin().display());
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.world.path())
            .current_dir(self.world.path().join("work"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the block of a page by this shell. It prints no secret.
    pub(super) fn run(&self, shell: &str, block: &str) -> String {
        let mut command = self.command(shell);
        command.args(["-e", "-c", block]);
        self.succeeds(command)
    }

    /// Runs the command, which succeeds and prints no secret.
    pub(super) fn succeeds(&self, mut command: Command) -> String {
        let output = command.output().unwrap();
        self.world
            .assert_no_secret(&output.stdout, "standard output");
        self.world
            .assert_no_secret(&output.stderr, "standard error");
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}: {printed}{said}");
        printed.into_owned()
    }

    /// Lets `ssh root@guest` reach this machine, by OpenSSH's own client and server and
    /// without a network. It takes root, and the server.
    pub(super) fn is_reached_by_ssh(&self) -> bool {
        if !is_really_root() || !Path::new("/usr/sbin/sshd").exists() {
            return false;
        }
        // Which sshd asks for, and init scripts create.
        fs::create_dir_all("/run/sshd").unwrap();
        let at = self.world.path().join("ssh");
        fs::create_dir(&at).unwrap();
        let at = at.display();
        for name in ["host", "user"] {
            let mut keygen = self.command("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
            keygen.arg(format!("{at}/{name}"));
            self.succeeds(keygen);
        }
        let server = format!(
            "HostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\nUsePAM no\n\
         PermitRootLogin prohibit-password\nPidFile none\nSetEnv PATH={}:/usr/bin:/bin HOME={}\n",
            self.bin().display(),
            // Without what the user's own shell starts with.
            self.world.path().display()
        );
        self.world.write("ssh/server", &server);
        let client = format!(
            "Host guest\n ProxyCommand /usr/sbin/sshd -i -f {at}/server\n IdentityFile {at}/user\n \
         IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking accept-new\n \
         UserKnownHostsFile {at}/known\n LogLevel ERROR\n"
        );
        self.world.write("ssh/client", &client);
        self.put(
            "ssh",
            &format!(r#"exec /usr/bin/ssh -F '{at}/client' "$@""#),
        );
        true
    }

    /// The one key that was minted.
    pub(super) fn key(&self) -> String {
        let keys = self.world.simulator.keys();
        assert_eq!(keys.len(), 1);
        keys[0].key.clone()
    }

    /// The machine joined by one call of `tailscale`, with the one key on its standard
    /// input, and with no secret in its arguments.
    pub(super) fn assert_joined(&self) {
        let key = self.key();
        let calls = self.machine.calls();
        assert_eq!(calls.len(), 1);
        let call = &calls[0];
        assert!(call.was_given(&key) || call.was_given(&format!("{key}\n")));
        assert!(
            call.argv
                .iter()
                .any(|it| it == "--auth-key=file:/dev/stdin")
        );
        self.world
            .assert_no_secret(call.argv.join("\n").as_bytes(), "arguments");
    }

    /// No file has the key in it, but for those of these names.
    pub(super) fn assert_key_in_no_file_but(&self, names: &[&str]) {
        self.assert_in_no_file_but(&self.key(), names);
    }

    /// No file has the secret in it, but for those of these names.
    pub(super) fn assert_in_no_file_but(&self, secret: &str, names: &[&str]) {
        let mut found = Vec::new();
        files_with(self.world.path(), secret, &mut found);
        found.retain(|path| !names.iter().any(|name| path.ends_with(name)));
        assert!(found.is_empty(), "a secret is in {found:?}");
    }
}

fn files_with(directory: &Path, secret: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files_with(&entry.path(), secret, found);
        } else if kind.is_file() && holds(&fs::read(entry.path()).unwrap(), secret) {
            found.push(entry.path());
        }
    }
}
