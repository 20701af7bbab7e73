use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Serialize;
use serde_json::Value;
use tailmint_simulator::FederatedIdentity;

use crate::world::World;

/// What a program is asked to mint.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Call {
    #[serde(flatten)]
    pub(super) who: Who,
    pub(super) tailnet: String,
    pub(super) tags: Vec<String>,
    pub(super) expiry_seconds: u32,
}

/// Whom it is minted with.
#[derive(Clone, Serialize)]
#[serde(untagged, rename_all_fields = "kebab-case")]
pub(super) enum Who {
    Client { id: String, secret: String },
    Identity { client_id: String, id_token: String },
}

impl Call {
    /// By the client with this name.
    pub(super) fn of(world: &World, client: &str) -> Self {
        let client = world.simulator.client(client).unwrap();
        Self::with(Who::Client {
            id: client.id,
            secret: client.secret,
        })
    }

    /// By this identity, with this token.
    pub(super) fn with_token(identity: &FederatedIdentity, token: &str) -> Self {
        Self::with(Who::Identity {
            client_id: identity.id.clone(),
            id_token: token.to_owned(),
        })
    }

    fn with(who: Who) -> Self {
        Self {
            who,
            tailnet: "-".to_owned(),
            tags: vec!["tag:tazpod".to_owned()],
            expiry_seconds: 3600,
        }
    }

    /// The same by a client with this id.
    pub(super) fn with_id(mut self, new: &str) -> Self {
        if let Who::Client { id, .. } = &mut self.who {
            new.clone_into(id);
        }
        self
    }

    /// The same by a client with this secret.
    pub(super) fn with_secret(mut self, new: &str) -> Self {
        if let Who::Client { secret, .. } = &mut self.who {
            new.clone_into(secret);
        }
        self
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
