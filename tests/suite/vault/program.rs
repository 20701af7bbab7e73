use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Vault's own command, built from the Go module of the tests, which pins its
/// version. It takes some minutes the first time and a second or two later on.
/// `None` where there is no Go, which in CI is an error.
pub(super) fn program() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Option<PathBuf> {
    // Past the test runner, which shows what a test prints only if it fails.
    let say = |line: &str| writeln!(std::io::stderr(), "{line}").ok();
    if Command::new("go").arg("version").output().is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "Go is not installed, and CI is to test with a real Vault"
        );
        say("skipped: tests with a real Vault need Go, which is not installed");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vault");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("vault");
    if !program.exists() {
        say("building vault with Go: this takes some minutes, once");
    }
    let built = Command::new("go")
        .args(["build", "-tags", "minimal", "-trimpath", "-ldflags=-s -w"])
        .arg("-o")
        .arg(&program)
        .arg("github.com/hashicorp/vault")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vault"))
        // The one that is installed, and what go.sum says.
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .env("CGO_ENABLED", "0")
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    Some(program)
}
