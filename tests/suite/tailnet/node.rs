use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::Programs;
use crate::world::World;

/// A `tailscaled` without a network interface, with its state in a folder of its
/// own. It ends with this process.
pub(super) struct Node {
    pub(super) name: String,
    programs: Programs,
    directory: PathBuf,
    user: Option<u32>,
    running: Option<(Child, ChildStdin)>,
}

/// Tests are patient: a machine that is busy is no failure.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until it is so.
pub(super) fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10));
    }
}

impl Node {
    pub(super) fn start(programs: &Programs, world: &World, name: &str) -> Self {
        Self::start_as(programs, world, name, None)
    }

    /// One that runs as another user.
    pub(super) fn start_as(
        programs: &Programs,
        world: &World,
        name: &str,
        user: Option<u32>,
    ) -> Self {
        let directory = world.path().join(name);
        fs::create_dir(&directory).unwrap();
        if user.is_some() {
            std::os::unix::fs::chown(&directory, user, user).unwrap();
        }
        let mut node = Self {
            name: name.to_owned(),
            programs: programs.clone(),
            directory,
            user,
            running: None,
        };
        node.run();
        node
    }

    fn run(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))
            .unwrap();
        let mut command = Command::new(self.programs.tailscaled());
        command
            // All that would leave the machine, if it could.
            .args([
                "--no-logs-no-support",
                "--tun=userspace-networking",
                "--port=0",
            ])
            .arg(format!("--statedir={}", self.directory.display()))
            .arg(format!("--socket={}", self.socket().display()))
            .env_clear()
            .env("HOME", &self.directory)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            // There is no network but lo, and that is enough.
            .env("TS_ASSUME_NETWORK_UP_FOR_TEST", "1")
            .env("TS_DISABLE_PORTMAPPER", "1")
            .env("TS_PANIC_IF_HIT_MAIN_CONTROL", "1")
            // Ends when standard input does.
            .env("TS_PARENT_DEATH_FD", "0")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let mut child = command.spawn().unwrap();
        let alive = child.stdin.take().unwrap();
        self.running = Some((child, alive));
        wait_until("tailscaled listens", || {
            self.tailscale(&["status", "--json"]).status.success()
        });
    }

    /// Ends the daemon and starts it again with the same state.
    pub(super) fn restart(&mut self) {
        self.stop();
        self.run();
    }

    fn stop(&mut self) {
        if let Some((mut child, alive)) = self.running.take() {
            child.kill().ok();
            child.wait().ok();
            drop(alive);
        }
        fs::remove_file(self.socket()).ok();
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap()
    }

    /// `tailscale` with these arguments, on this node.
    pub(super) fn tailscale(&self, arguments: &[&str]) -> Output {
        Command::new(self.programs.tailscale())
            .arg(format!("--socket={}", self.socket().display()))
            .args(arguments)
            .env_clear()
            .env("HOME", &self.directory)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub(super) fn status(&self) -> Value {
        let output = self.tailscale(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(super) fn state(&self) -> String {
        self.status()["BackendState"].as_str().unwrap().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}
