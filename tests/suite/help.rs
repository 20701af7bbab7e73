//! The help of every command, and its manual page.

use std::{collections::BTreeSet, fs};

use crate::{case::program, world::World};

/// A command by its names, and what the list of its parent says of it.
struct Listed {
    names: Vec<String>,
    says: String,
}

/// The commands that the help of a command lists, and theirs.
fn listed(world: &World, names: &[String]) -> Vec<Listed> {
    let help = help(world, names);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let own = lines.take_while(|line| !line.is_empty());
    let own = own.filter_map(|line| line.trim().split_once("  "));
    let mut all = Vec::new();
    for (name, says) in own.filter(|(name, _)| *name != "help") {
        let names = [names, &[name.to_owned()]].concat();
        let below = listed(world, &names);
        let says = says.trim().to_owned();
        all.push(Listed { names, says });
        all.extend(below);
    }
    all
}

fn help(world: &World, names: &[String]) -> String {
    let mut arguments: Vec<&str> = names.iter().map(String::as_str).collect();
    arguments.push("-h");
    let ran = world.bare(&arguments).run();
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{names:?}");
    ran.stdout
}

/// Without its line ends, which are those of a narrow terminal.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_help_of_every_command_begins_with_what_the_command_does() {
    let world = World::new();
    let all = listed(&world, &[]);
    assert!(all.len() >= 33, "{} commands", all.len());
    for command in &all {
        let help = words(&help(&world, &command.names));
        assert!(
            help.starts_with(&command.says),
            "{:?}: the list says {:?}, its help begins {:.100}",
            command.names,
            command.says,
            help
        );
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let world = World::new();
    let directory = world.path().join("man1");
    let ran = world.bare(&["man", "--directory"]).arg(&directory).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let pages: BTreeSet<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected = BTreeSet::from(["tailmint.1".to_owned()]);
    for command in listed(&world, &[]) {
        expected.insert(format!("tailmint-{}.1", command.names.join("-")));
        let page = format!("tailmint-{}.1", command.names.join("-"));
        let text = fs::read_to_string(directory.join(page)).unwrap_or_default();
        let text = text
            .replace("\\-", "-")
            .replace("\\fB", "")
            .replace("\\fR", "");
        assert!(words(&text).contains(&command.says), "{:?}", command.names);
        let names: Vec<_> = command.names.iter().map(String::as_str).collect();
        let printed = world.bare(&[&["man"], &names[..]].concat()).run();
        assert!(printed.stdout.starts_with(".ie"), "{:.80}", printed.stdout);
    }
    let missing: Vec<_> = expected.difference(&pages).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new();
    for command in ["policy show", "completions bash", "man", "policy schema"] {
        let program = program();
        let program = program.display();
        let line = format!("set -o pipefail; '{program}' {command} | head -n 1 > /dev/null");
        let output = std::process::Command::new("bash")
            .args(["-c", &line])
            .env_clear()
            .env("HOME", world.path())
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{command}");
    }
}

#[test]
fn errors_of_usage_are_json_where_errors_are_to_be_json() {
    let world = World::new();
    let ran = world.bare(&["mint", "--json", "--no-such-flag"]).run();
    assert_eq!((ran.code, &*ran.stdout), (2, ""));
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["class"], "usage");
    assert_eq!(error["error"]["exit-status"], 2);
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("--no-such-flag"), "{message}");
    // What is behind `--` belongs to another program.
    let ran = world
        .bare(&["exec", "--no-such-flag", "--", "true", "--json"])
        .run();
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
}
