use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use tailmint_api::OutsideText;
use tailmint_core::Environment;
use tokio::process::Command;

use super::{
    JoinError, JoinErrorKind, SshHost,
    child::{End, Finished},
    words::words,
};

/// The user's `ssh`, with its configuration, its agent and its known hosts.
#[derive(Clone, Debug)]
pub(super) struct Ssh {
    program: PathBuf,
    host: SshHost,
    sudo: bool,
}

/// What `ssh` exits with where it is itself that fails (ssh(1)).
const SSH_FAILED: i32 = 255;

/// What shells exit with for a command that is not there.
const NOT_FOUND: i32 = 127;

impl Ssh {
    pub(super) fn find(
        host: SshHost,
        sudo: bool,
        environment: &Environment,
    ) -> Result<Self, JoinError> {
        let path = environment.get("PATH").unwrap_or_default();
        match which::which_in("ssh", Some(path), "/") {
            Ok(program) => Ok(Self {
                program,
                host,
                sudo,
            }),
            Err(_) => Err(JoinError::new(
                JoinErrorKind::Missing,
                "there is no ssh command in $PATH",
                "install OpenSSH's client",
            )),
        }
    }

    pub(super) fn has_sudo(&self) -> bool {
        self.sudo
    }

    /// The command line, to be run over there. It is quoted for the user's shell, and run
    /// by `sh`, whatever that shell is. Nobody is asked for anything: where `ssh` or `sudo`
    /// would ask, they fail.
    ///
    /// A key comes through a pipe: not every `sshd` gives its commands an input that can
    /// be opened by name.
    pub(super) fn command(&self, line: &[OsString], changes: bool, with_key: bool) -> Command {
        let sudo: &[OsString] = &["sudo".into(), "--non-interactive".into(), "--".into()];
        let line = if changes && self.sudo {
            [sudo, line].concat()
        } else {
            line.to_vec()
        };
        let mut script = quoted(&line);
        if with_key {
            script.insert_str(0, "cat | ");
        }
        let mut command = Command::new(&self.program);
        command
            // A banner is not what tailscale says.
            .args(["-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "--"])
            .arg(self.host.to_string())
            .arg(quoted(&["sh".into(), "-c".into(), script.into()]));
        command
    }

    /// The end of a command, unless there was no login, or nothing over there to be run.
    pub(super) fn judge(&self, finished: Finished, program: &Path) -> Result<Finished, JoinError> {
        let code = match finished.end {
            End::Exited(status) => status.code(),
            End::Overdue | End::Stopped => None,
        };
        let host = &self.host;
        let error = match code {
            Some(SSH_FAILED) => JoinError::new(
                JoinErrorKind::Ssh,
                "ssh could not run a command on it",
                format!("see whether this works without a question: ssh {host} true"),
            ),
            Some(NOT_FOUND) => JoinError::new(
                JoinErrorKind::Missing,
                format!(
                    "it has no command {}",
                    OutsideText::new(&program.to_string_lossy())
                ),
                "install tailscale there, or give its path with --tailscale",
            ),
            _ => return Ok(finished),
        };
        Err(JoinError {
            words: words(&finished.stderr, None),
            ..error
        })
    }
}

/// The words as one line that a shell takes apart again.
fn quoted(line: &[OsString]) -> String {
    let words = line.iter().map(|word| quoted_word(word));
    words.collect::<Vec<_>>().join(" ")
}

/// A word in single quotes. Between them a backslash is itself to most shells and an escape
/// to fish: it stands outside of them, as the quote does.
fn quoted_word(word: &OsStr) -> String {
    let text = String::from_utf8_lossy(word.as_bytes());
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str(r"'\''"),
            '\\' => quoted.push_str(r"'\\'"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_that_were_quoted() {
        let words = [
            "printf", "%s|", "it's", "a b", "$HOME", "`x`", "\"", "\\", "*", "\n", "",
        ];
        let line = quoted(&words.map(OsString::from));
        let nested = quoted(&["sh".into(), "-c".into(), line.into()]);
        let output = std::process::Command::new("sh")
            .args(["-c", &nested])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "it's|a b|$HOME|`x`|\"|\\|*|\n||");
    }
}
