use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

use crate::go;

/// A program that reads files with the parsers of those who take keys: Docker, Docker
/// Compose, Talos, Kubernetes. Built from the Go module of the tests, which pins them.
#[derive(Clone, Debug)]
pub(crate) struct Consumers(PathBuf);

impl Consumers {
    /// Builds it. `None` where there is no Go, which in CI is an error.
    pub(crate) fn build() -> Option<Self> {
        static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
        let built = BUILT.get_or_init(|| {
            let program = ["build", "-trimpath", "-ldflags=-s -w", "."];
            let what = "the parsers of Docker, Talos and Kubernetes";
            Some(go::build("consumers", what, &[&program])?.join("consumers"))
        });
        built.clone().map(Self)
    }

    pub(crate) fn program(&self) -> &Path {
        &self.0
    }

    /// What the consumer reads in the file, or what it says is wrong with it.
    pub(crate) fn read(&self, consumer: &str, file: &Path) -> Result<Value, String> {
        let output = Command::new(&self.0)
            .arg(consumer)
            .arg(file)
            .output()
            .unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }
}
