use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::world::{World, sha256, workspace};

/// A stand-in for the `tailscale` command that says and does what it is told.
pub(crate) struct StandIn {
    directory: PathBuf,
}

/// One call of `tailscale up`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) argv: Vec<String>,
    pub(crate) environment: Vec<String>,
    pub(crate) descriptors: Vec<String>,
    stdin_sha256: String,
}

/// What `tailscale status --json` says of a node.
pub(crate) fn status(state: &str, tags: &[&str]) -> String {
    let tags = serde_json::json!(tags);
    format!(
        r#"{{"Version":"1.102.5","BackendState":"{state}","Self":{{"PublicKey":"nodekey:ab","Online":true,"HostName":"a","DNSName":"a.example.ts.net.","TailscaleIPs":["100.64.0.1","fd7a:115c:a1e0::1"],"Tags":{tags}}},"Health":[]}}"#
    )
}

pub(crate) fn running() -> String {
    status("Running", &["tag:tazpod"])
}

impl StandIn {
    /// One in the state. `up` brings it in with tag:tazpod.
    pub(crate) fn new(world: &World, state: &str) -> Self {
        let directory = world.path().join("bin");
        fs::create_dir_all(directory.join("calls")).unwrap();
        let source = workspace().join("tests/stand-in/tailscale");
        copy_program(&source, &directory.join("tailscale"));
        let stand_in = Self { directory };
        stand_in.write("status.json", &status(state, &[]));
        stand_in.write("in.json", &running());
        stand_in.up(r#"cp "$here/in.json" "$here/status.json""#);
        stand_in
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("tailscale")
    }

    /// What `up` does.
    pub(crate) fn up(&self, script: &str) {
        self.write("up.sh", script);
    }

    /// What `status` does before it prints its JSON.
    pub(crate) fn status(&self, script: &str) {
        self.write("status.sh", script);
    }

    /// What `up` says before it reads its key.
    pub(crate) fn rehearsal(&self, script: &str) {
        self.write("rehearsal.sh", script);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.join(name), text).unwrap();
    }

    /// The calls of `up`.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let calls = self.directory.join("calls");
        let count = fs::read_dir(&calls).unwrap().count();
        let numbers = 1..=count;
        numbers
            .map(|number| {
                let read = |name: &str| {
                    fs::read_to_string(calls.join(number.to_string()).join(name)).unwrap()
                };
                let lines = |name: &str| read(name).lines().map(str::to_owned).collect();
                Call {
                    argv: lines("argv"),
                    environment: lines("environment"),
                    descriptors: lines("descriptors"),
                    stdin_sha256: read("stdin.sha256").trim().to_owned(),
                }
            })
            .collect()
    }
}

/// Copies it in a process of its own. Open for writing in this one, it would be so in a child
/// that another thread has just forked, and could not be executed until that is another
/// program.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").args([from, to]).status().unwrap();
    assert!(copied.success());
}

impl Call {
    /// Whether its standard input was this.
    pub(crate) fn was_given(&self, text: &str) -> bool {
        self.stdin_sha256 == sha256(text.as_bytes())
    }
}
