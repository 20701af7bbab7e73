use std::{
    fs,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tailmint_live::{FACTS, Simulated};
use tailmint_simulator::{Endpoint, Fault};

use crate::{assert_clean, with_api_key};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailmint-live"));
    command.args(arguments);
    for variable in ["TAILSCALE_API_KEY", "TAILSCALE_OAUTH_CLIENT_SECRET"] {
        command.env_remove(variable);
    }
    command
}

/// A simulator, and the command that is run against it.
struct Case {
    simulated: Simulated,
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let simulated = Simulated::start(&with_api_key()).unwrap();
        let simulator = &simulated.simulator;
        simulator.write_ca(&directory.path().join("ca")).unwrap();
        fs::write(directory.path().join("key"), simulator.api_key() + "\n").unwrap();
        Self {
            simulated,
            directory,
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn run(&self, more: &[&str]) -> Command {
        let address = self.simulated.simulator.address().to_string();
        let (ca, report) = (self.path("ca"), self.path("report"));
        let to = [
            "--connect-to",
            &address,
            "--ca-file",
            &ca,
            "--output",
            &report,
        ];
        let mut command = command(&[&["run", "--tag", "tag:live"], &to[..], more].concat());
        let key = format!("file:{}", self.path("key"));
        command.env("TAILSCALE_API_KEY", key);
        command
    }
}

fn text(output: &Output) -> (Option<i32>, String) {
    let both = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(both).unwrap();
    assert!(!text.contains("tskey-"), "{text}");
    (output.status.code(), text)
}

#[test]
fn nothing_is_sent_without_being_told_to() {
    let output = command(&["run", "--tag", "tag:live"]).output().unwrap();
    let (status, said) = text(&output);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("removes before it ends, at most "), "{said}");
    assert!(
        said.contains("Nothing was sent. Add --really to begin."),
        "{said}"
    );
}

#[test]
fn another_machine_is_no_simulator() {
    let case = Case::new();
    let mut command = command(&["run", "--tag", "tag:live", "--connect-to", "192.0.2.1:443"]);
    command.args(["--ca-file", &case.path("ca")]);
    command.env("TAILSCALE_API_KEY", "none");
    let (status, said) = text(&command.output().unwrap());
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("not an address of this machine"), "{said}");
}

#[test]
fn where_nothing_was_created_nothing_is_looked_for() {
    let case = Case::new();
    let simulator = &case.simulated.simulator;
    simulator.misbehave(Endpoint::Any, Fault::Cut, 1000);
    let (status, said) = text(&case.run(&[]).output().unwrap());
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("There is no report."), "{said}");
    assert_eq!(simulator.requests().len(), 1);
}

#[test]
fn a_report_is_written_and_compared() {
    let case = Case::new();
    let (status, said) = text(&case.run(&[]).output().unwrap());
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("All that was created is removed."), "{said}");
    let created = assert_clean(&case.simulated, "the command");
    // What it said before it began.
    let requests = case.simulated.simulator.requests().len();
    assert!((100..FACTS.len() + 40).contains(&requests), "{requests}");
    assert!(created < 24 + 9 + 12, "{created}");

    let report = case.path("report");
    let compared = command(&["compare", &report]).output().unwrap();
    let (status, said) = text(&compared);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("0 differences in "), "{said}");

    let written = fs::read_to_string(&report).unwrap();
    assert!(!written.contains("tskey-"), "{written}");
    let other = written
        .replace("<zero time>", "<time>")
        .replacen("7776000", "7776001", 1);
    assert_ne!(other, written);
    fs::write(&report, other).unwrap();
    let compared = command(&["compare", &report]).output().unwrap();
    let (status, said) = text(&compared);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("reported 7776001, simulated 7776000"),
        "{said}"
    );
}

#[test]
fn a_signal_has_it_remove_all() {
    for signal in [Signal::INT, Signal::TERM] {
        let case = Case::new();
        let simulator = &case.simulated.simulator;
        simulator.misbehave(Endpoint::Any, Fault::Delay(Duration::ZERO), 60);
        simulator.misbehave(Endpoint::Any, Fault::Hold, 1);
        let mut command = case.run(&[]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        while simulator.requests().len() < 61 {
            thread::sleep(Duration::from_millis(5));
        }
        assert_ne!(simulator.live_keys(), []);
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).unwrap();
        simulator.go_on();
        let output = child.wait_with_output().unwrap();
        let (status, said) = text(&output);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains("interrupted. There is no report."), "{said}");
        assert_clean(&case.simulated, "the signal");
    }
}
