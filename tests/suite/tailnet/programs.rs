use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Tailscale's programs and our control server, built from the Go module of the
/// tests, which pins their versions.
#[derive(Clone, Debug)]
pub(super) struct Programs(PathBuf);

const PACKAGES: [&str; 4] = [
    "./control",
    "tailscale.com/cmd/get-authkey",
    "tailscale.com/cmd/tailscale",
    "tailscale.com/cmd/tailscaled",
];

/// The folder of the Go module.
pub(super) fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tailnet")
}

impl Programs {
    /// Builds them, which takes some minutes the first time and a second later
    /// on. `None` where there is no Go, which in CI is an error.
    pub(super) fn build() -> Option<Self> {
        static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
        BUILT.get_or_init(build).clone().map(Self)
    }

    /// Those in the folder, which were built before.
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn control(&self) -> PathBuf {
        self.0.join("control")
    }

    pub(super) fn client_test(&self) -> PathBuf {
        self.0.join("client-test")
    }

    pub(super) fn get_authkey(&self) -> PathBuf {
        self.0.join("get-authkey")
    }

    pub(super) fn tailscale(&self) -> PathBuf {
        self.0.join("tailscale")
    }

    pub(super) fn tailscaled(&self) -> PathBuf {
        self.0.join("tailscaled")
    }
}

fn build() -> Option<PathBuf> {
    // Past the test runner, which shows what a test prints only if it fails.
    let say = |line: &str| writeln!(std::io::stderr(), "{line}").ok();
    if Command::new("go").arg("version").output().is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "Go is not installed, and CI is to test with Tailscale's own software"
        );
        say("skipped: tests with Tailscale's own software need Go, which is not installed");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tailnet");
    std::fs::create_dir_all(&folder).unwrap();
    if !folder.join("tailscaled").exists() {
        say("building tailscale and tailscaled with Go: this takes some minutes, once");
    }
    let into = |name: &str| format!("{}/{name}", folder.display());
    go(Command::new("go")
        .args(["build", "-trimpath", "-ldflags=-s -w", "-o", &into("")])
        .args(PACKAGES));
    go(Command::new("go").args(["test", "-c", "-o", &into("client-test"), "./client"]));
    Some(folder)
}

fn go(command: &mut Command) {
    let built = command
        .current_dir(module())
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
}
