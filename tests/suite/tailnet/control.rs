use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::Value;

use super::Programs;
use crate::world::World;

/// A control server that asks the simulator about keys. It ends when its standard
/// input does, so also when this process is killed.
pub(super) struct Control {
    pub(super) url: String,
    admin: String,
    child: Child,
    alive: Option<ChildStdin>,
}

impl Control {
    pub(super) fn start(programs: &Programs, world: &World) -> Self {
        let log = File::create(world.path().join("control.log")).unwrap();
        let mut child = Command::new(programs.control())
            .arg(format!(
                "--register=http://{}/register",
                world.simulator.control()
            ))
            .arg(format!("--api=https://{}", world.simulator.address()))
            .arg(format!(
                "--api-ca={}",
                world.path().join("ca.pem").display()
            ))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            url: text("control"),
            admin: text("admin"),
            alive: child.stdin.take(),
            child,
        }
    }

    /// The nodes that are in, by what the control server knows.
    pub(super) fn nodes(&self) -> Vec<Value> {
        let mut answer = ureq::get(format!("{}/nodes", self.admin)).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Control {
    /// Removes the node, as an administrator does in the admin console.
    pub(super) fn remove(&self, name: &str) {
        ureq::delete(format!("{}/nodes/{name}", self.admin))
            .call()
            .unwrap();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.alive.take());
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
