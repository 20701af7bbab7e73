use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Serialize;
use serde_json::Value;

use crate::world::World;

/// What a program is asked to mint.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) tailnet: String,
    pub(super) tags: Vec<String>,
    pub(super) expiry_seconds: u32,
}

impl Call {
    /// By the client with this name.
    pub(super) fn of(world: &World, client: &str) -> Self {
        let client = world.simulator.client(client).unwrap();
        Self {
            id: client.id,
            secret: client.secret,
            tailnet: "-".to_owned(),
            tags: vec!["tag:tazpod".to_owned()],
            expiry_seconds: 3600,
        }
    }
}

/// A program that has the component in it: calls go in and results come out, a line
/// of JSON each.
pub(super) struct Program {
    child: Child,
    calls: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Program {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let calls = child.stdin.take().unwrap();
        let results = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            calls,
            results,
        }
    }

    pub(super) fn mint(&mut self, call: &Call) -> Value {
        writeln!(self.calls, "{}", serde_json::to_string(call).unwrap()).unwrap();
        let mut line = String::new();
        self.results.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "it ended: {:?}", self.child.wait());
        serde_json::from_str(&line).unwrap()
    }

    /// The program's own policy refuses every request, in the contract's words.
    pub(super) fn refuses_all(&mut self, world: &World) {
        let before = world.simulator.requests().len();
        let result = self.mint(&Call::of(world, "bootstrap"));
        assert_eq!(result["error"], "denied", "{result}");
        assert_eq!(world.simulator.requests().len(), before);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
