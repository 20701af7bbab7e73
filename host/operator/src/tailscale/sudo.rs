use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
};

use tailmint_core::Environment;
use tokio::process::Command;

use super::{JoinError, JoinErrorKind};

/// The `sudo` command, for users who are not root.
#[derive(Clone, Debug)]
pub(super) struct Sudo(PathBuf);

impl Sudo {
    /// The first one in `$PATH`.
    pub(super) fn find(environment: &Environment) -> Result<Self, JoinError> {
        let path = environment.get("PATH").unwrap_or_default();
        let found = which::which_in("sudo", Some(path), "/");
        found.map(Self).map_err(|_| {
            JoinError::new(
                JoinErrorKind::Missing,
                "there is no sudo command in $PATH",
                "run it as root, and leave --sudo out",
            )
        })
    }

    /// The program, run as root. A password is asked for on the terminal; where there is
    /// no terminal, `sudo` fails instead of waiting.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.0);
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
        if terminal.is_err() {
            command.arg("--non-interactive");
        }
        command.arg("--").arg(program);
        command
    }
}
