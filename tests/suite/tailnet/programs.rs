use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::go;

/// Tailscale's programs and our control server, built from the Go module of the
/// tests, which pins their versions.
#[derive(Clone, Debug)]
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Builds them. `None` where there is no Go, which in CI is an error.
    pub(super) fn build() -> Option<Self> {
        static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
        let built = BUILT.get_or_init(|| {
            let programs = [
                "build",
                "-trimpath",
                "-ldflags=-s -w",
                "./control",
                "tailscale.com/cmd/get-authkey",
                "tailscale.com/cmd/tailscale",
                "tailscale.com/cmd/tailscaled",
            ];
            let tests = ["test", "-c", "./client"];
            go::build("tailnet", "Tailscale's own software", &[&programs, &tests])
        });
        built.clone().map(Self)
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
        self.0.join("client.test")
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
