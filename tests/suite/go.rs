use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    installed::{is_installed, say},
    world::workspace,
};

/// Builds programs from a Go module of the tests, which pins their versions, into the
/// directory that comes back: some minutes the first time, a second or two later on. The
/// steps are commands of Go, each with its flags and packages. `None` where there is no
/// Go, which in CI is an error: what is to be tested with is said in `what`.
pub(crate) fn build(module: &str, what: &str, steps: &[&[&str]]) -> Option<PathBuf> {
    let found = Command::new("go").arg("version").output().is_ok();
    if !is_installed(found, "Go", &format!("with {what}")) {
        return None;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(module);
    if !directory.exists() {
        say(&format!(
            "building {what} with Go: this takes some minutes, once"
        ));
        std::fs::create_dir_all(&directory).unwrap();
    }
    for step in steps {
        let (command, arguments) = step.split_first().unwrap();
        let built = Command::new("go")
            .arg(command)
            // With the slash it is a directory, for all programs of the step.
            .arg(format!("-o={}/", directory.display()))
            .args(arguments)
            .current_dir(self::module(module))
            // The one that is installed, and what go.sum says.
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-mod=readonly")
            .env("CGO_ENABLED", "0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "go {step:?}: {said}");
    }
    Some(directory)
}

/// Where the Go module of this name is.
pub(crate) fn module(name: &str) -> PathBuf {
    workspace().join("tests").join(name)
}
