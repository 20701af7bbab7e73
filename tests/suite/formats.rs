//! The formats of a key, read by those that they are for: Docker, Compose, Talos and
//! Kubernetes by their own Go packages, systemd and Node.js by their programs, GitHub's
//! runner by its rules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    consumers::Consumers,
    github_runner,
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

/// systemd's own reader of files of variables; this one also prints what it reads.
const SYSTEMD: &str =
    "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";

/// A key in a format, in a file.
fn printed(world: &World, format: &str) -> PathBuf {
    let ran = world.run(&["mint", "--format", format]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{format}");
    world.write(format, &ran.stdout)
}

fn key(world: &World) -> String {
    world.simulator.live_keys().last().unwrap().key.clone()
}

/// What a consumer is to find.
fn variable(world: &World) -> Value {
    json!({ "TS_AUTHKEY": key(world) })
}

#[test]
fn docker_and_compose_read_dotenv() {
    let Some(consumers) = Consumers::build() else {
        return;
    };
    let world = World::new();
    let file = printed(&world, "dotenv");
    for consumer in ["docker", "compose"] {
        assert_eq!(consumers.read(consumer, &file), Ok(variable(&world)));
    }
    // What a shell evaluates is not for them.
    let file = printed(&world, "env");
    let said = consumers.read("docker", &file).unwrap_err();
    assert!(said.contains("contains whitespaces"), "{said}");
}

#[test]
fn systemd_reads_dotenv() {
    if !Path::new(SYSTEMD).exists() {
        println!("skipped: there is no systemd here");
        return;
    }
    let world = World::new();
    let directory = world.path().join("environment.d");
    fs::create_dir(&directory).unwrap();
    let read = |format: &str| {
        fs::copy(printed(&world, format), directory.join("a.conf")).unwrap();
        let output = Command::new(SYSTEMD)
            .env_clear()
            .env("XDG_CONFIG_HOME", world.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let found = read("dotenv");
    let line = format!("TS_AUTHKEY={}", key(&world));
    assert!(found.lines().any(|it| it == line), "{}", found.len());
    assert!(!read("env").contains("TS_AUTHKEY"));
}

#[test]
fn node_reads_dotenv() {
    let world = World::new();
    let file = printed(&world, "dotenv");
    let print = "console.log(process.env.TS_AUTHKEY)";
    let output = Command::new("node")
        .arg(format!("--env-file={}", file.display()))
        .args(["--eval", print])
        .output();
    let Ok(output) = output else {
        println!("skipped: Node.js is not installed");
        return;
    };
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found.trim_end(), key(&world));
}

#[test]
fn a_shell_reads_dotenv() {
    let world = World::new();
    let file = printed(&world, "dotenv");
    let output = Command::new("sh")
        .args(["-c", r#"set -a; . "$1"; exec printenv TS_AUTHKEY"#, "sh"])
        .arg(file)
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found.trim_end(), key(&world));
}

#[test]
fn talos_loads_its_document() {
    let Some(consumers) = Consumers::build() else {
        return;
    };
    let world = World::new();
    let file = printed(&world, "talos");
    assert_eq!(consumers.read("talos", &file), Ok(variable(&world)));
    // As another document of a whole configuration, too.
    let document = fs::read_to_string(file).unwrap();
    let whole = format!("version: v1alpha1\nmachine:\n  type: worker\n---\n{document}");
    let whole = world.write("worker.yaml", &whole);
    assert_eq!(consumers.read("talos", &whole), Ok(variable(&world)));
    let other = document.replace("environment:", "variables:");
    let other = world.write("other.yaml", &other);
    assert!(consumers.read("talos", &other).is_err());
}

#[test]
fn kubernetes_decodes_its_secret() {
    let Some(consumers) = Consumers::build() else {
        return;
    };
    let world = World::new();
    let file = printed(&world, "kubernetes");
    assert_eq!(consumers.read("kubernetes", &file), Ok(variable(&world)));
}

#[test]
fn documents_are_printed_as_they_are_read_in_examples() {
    let world = World::new();
    let shown = |format: &str| {
        let text = fs::read_to_string(printed(&world, format)).unwrap();
        text.replace(&key(&world), "[key]")
    };
    assert_snapshot!(shown("dotenv"), @"TS_AUTHKEY=[key]");
    assert_snapshot!(shown("talos"), @"
    apiVersion: v1alpha1
    kind: ExtensionServiceConfig
    name: tailscale
    environment:
      - TS_AUTHKEY=[key]
    ");
    assert_snapshot!(shown("kubernetes"), @"
    apiVersion: v1
    kind: Secret
    metadata:
      name: tailscale-auth
    type: Opaque
    stringData:
      TS_AUTHKEY: [key]
    ");
}

#[test]
fn json_leaves_another_format_alone() {
    let world = World::new();
    let ran = world.run(&["mint", "--json", "--format", "dotenv"]);
    assert_eq!(ran.stdout, format!("TS_AUTHKEY={}\n", key(&world)));
}

/// A run of `mint --format github` with a file that has this content, and what the file
/// has then.
fn github(world: &World, before: &str) -> (Ran, String) {
    let file = world.write("github-env", before);
    let ran = world
        .tailmint(&["mint", "--format", "github"])
        .env("GITHUB_ENV", &file)
        .run();
    (ran, fs::read_to_string(file).unwrap())
}

#[test]
fn github_masks_the_key_and_sets_it_for_the_steps_that_follow() {
    let world = World::new();
    for before in ["", "A=1\n", "A=1"] {
        let (ran, after) = github(&world, before);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let key = key(&world);
        // The mask, and nothing else.
        assert_eq!(ran.stdout, format!("::add-mask::{key}\n"));
        assert!(after.starts_with(before) && after.ends_with('\n'));
        let found = github_runner::variables(&after);
        assert_eq!(found["TS_AUTHKEY"], key);
        assert_eq!(found.len(), 1 + usize::from(!before.is_empty()));
        let mut masks = Vec::new();
        let printed = format!("{}then {key} is shown\n", ran.stdout);
        let log = github_runner::log(&printed, &mut masks);
        assert_eq!(log, "then *** is shown\n");
    }
}

#[test]
fn outside_of_github_no_key_is_minted() {
    let world = World::new();
    let case = || world.tailmint(&["mint", "--format", "github"]);
    let unset = case().run();
    assert_snapshot!(unset, @"
    exit status: 2
    --- stderr
    error: --format github needs $GITHUB_ENV, which is not set
    hint: run it in a step of a GitHub Actions job; elsewhere give --format dotenv
    ");
    let empty = case().env("GITHUB_ENV", "").run();
    assert_eq!(empty.to_string(), unset.to_string());
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn github_env_that_is_no_file_mints_no_key() {
    let world = World::new();
    let run = |path: &Path| {
        world
            .tailmint(&["mint", "--format", "github"])
            .env("GITHUB_ENV", path)
            .run()
    };
    let missing = world.path().join("missing");
    assert_snapshot!(run(&missing), @"
    exit status: 2
    --- stderr
    error: [dir]/missing, which $GITHUB_ENV names, cannot be appended to: No such file or directory (os error 2)
    hint: GitHub's runner creates a file for each step; in a container, mount that file at the same path
    ");
    assert!(!missing.exists(), "it is not for tailmint to create it");
    assert_snapshot!(run(Path::new("/dev/null")), @"
    exit status: 2
    --- stderr
    error: /dev/null, which $GITHUB_ENV names, cannot be appended to: it is not a regular file
    hint: GitHub's runner creates a file for each step; in a container, mount that file at the same path
    ");
    assert_snapshot!(run(&world.secrets()), @"
    exit status: 2
    --- stderr
    error: [dir]/secrets, which $GITHUB_ENV names, cannot be appended to: Is a directory (os error 21)
    hint: GitHub's runner creates a file for each step; in a container, mount that file at the same path
    ");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn a_key_that_does_not_fit_into_the_file_is_revoked() {
    if !is_really_root() {
        println!("skipped: it takes root to mount a disk");
        return;
    }
    in_mount_namespace(|| {
        let world = World::new();
        let disk = world.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
            .arg(&disk)
            .status()
            .unwrap();
        assert!(mounted.success());
        fs::write(disk.join("filler"), [0; 4096]).unwrap();
        let file = disk.join("env");
        // There is room for a part of the line, and for none of it.
        for length in [4080, 4096] {
            let before = format!("A={}\n", "1".repeat(length - 3));
            fs::write(&file, &before).unwrap();
            let ran = world
                .tailmint(&["mint", "--format", "github"])
                .env("GITHUB_ENV", &file)
                .run();
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            assert!(ran.stderr.contains("has been revoked"), "{}", ran.stderr);
            // The mask was printed: nobody knows yet that the key is worthless.
            assert!(ran.stdout.starts_with("::add-mask::"));
            assert_eq!(fs::read_to_string(&file).unwrap(), before);
            assert_eq!(world.simulator.live_keys().len(), 0);
        }
        assert_eq!(world.simulator.keys().len(), 2);
    });
}

#[test]
fn a_key_that_cannot_be_masked_is_not_handed_on() {
    let world = World::new();
    let file = world.write("github-env", "");
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = world
        .tailmint(&["mint", "--format", "github"])
        .env("GITHUB_ENV", &file)
        .stdout(full)
        .run();
    assert_snapshot!(ran, @"
    exit status: 1
    --- stderr
    error: the key could not be written to standard output: No space left on device (os error 28); key [key 1] has been revoked
    ");
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    assert_eq!(world.simulator.live_keys().len(), 0);
}
