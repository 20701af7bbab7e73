//! The workflows and the action of GitHub, as far as they can be judged without it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    installed::{is_installed, say},
    world::workspace,
};

/// zizmor, by pip and by its hashes. `None` where there is no Python with pip, or pip cannot
/// install it, such as without a network: in CI that is an error.
fn zizmor() -> Option<PathBuf> {
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    let found = pip.is_ok_and(|output| output.status.success());
    if !is_installed(found, "pip of Python 3", "the workflows") {
        return None;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zizmor");
    let requirements = workspace().join("tests/suite/workflows/requirements.txt");
    let wanted = fs::read(&requirements).unwrap();
    let stamp = directory.join("installed");
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        let output = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"])
            .args(["--disable-pip-version-check", "--root-user-action=ignore"])
            .args(["--require-hashes", "--only-binary", ":all:", "--target"])
            .arg(&directory)
            .arg("--requirement")
            .arg(requirements)
            .output()
            .unwrap();
        if !output.status.success() {
            say(&String::from_utf8_lossy(&output.stderr));
        }
        if !is_installed(output.status.success(), "zizmor", "the workflows") {
            return None;
        }
        fs::write(stamp, wanted).unwrap();
    }
    Some(directory.join("bin/zizmor"))
}

fn judge(zizmor: &Path, paths: &[&Path]) -> Output {
    Command::new(zizmor)
        .args([
            "--offline",
            "--no-progress",
            "--color=never",
            "--strict-collection",
        ])
        .args(paths)
        // No configuration and no token of whoever runs the tests.
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
}

#[test]
fn zizmor_finds_nothing_in_the_workflows_and_the_action() {
    let Some(zizmor) = zizmor() else {
        return;
    };
    let workflows = workspace().join(".github/workflows");
    let action = workspace().join("action.yml");
    let output = judge(&zizmor, &[&workflows, &action]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It looks: what is planted is found.
    let release = fs::read_to_string(workflows.join("release.yml")).unwrap();
    for (what, from, to) in [
        (
            "unpinned-uses",
            "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683",
            "actions/checkout@v4",
        ),
        (
            "template-injection",
            "\"$GITHUB_REF_NAME\" target/dist",
            "${{ github.ref_name }} target/dist",
        ),
        ("artipacked", "persist-credentials: false", "clean: true"),
        (
            "excessive-permissions",
            "    permissions:\n      contents: read\n    steps:",
            "    permissions: write-all\n    steps:",
        ),
    ] {
        assert!(release.contains(from), "{from}");
        let directory = tempfile::tempdir().unwrap();
        let workflow = directory.path().join("release.yml");
        fs::write(&workflow, release.replace(from, to)).unwrap();
        let output = judge(&zizmor, &[&workflow]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            !output.status.success() && said.contains(what),
            "{what}: {said}"
        );
    }
}

#[test]
fn every_script_that_a_workflow_runs_is_there() {
    let directory = workspace().join(".github/workflows");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let words = text.split_whitespace();
        let own = words.filter(|word| word.starts_with("release/") || *word == ".ci/run");
        scripts.extend(own.map(str::to_owned));
    }
    scripts.sort();
    scripts.dedup();
    assert_eq!(
        scripts,
        [
            ".ci/run",
            "release/compiles",
            "release/everything",
            "release/tag"
        ]
    );
    for script in scripts {
        let path = workspace().join(&script);
        let runs = rustix::fs::access(&path, rustix::fs::Access::EXEC_OK);
        assert!(runs.is_ok(), "{script}");
    }
}
