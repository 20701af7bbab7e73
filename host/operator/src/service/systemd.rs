use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use super::{Service, ServiceError, UnitStatus};
use tailmint_api::OutsideText;
use tailmint_core::Environment;

/// The systemd of this machine, by its commands.
#[derive(Clone, Debug)]
pub struct Systemd {
    path: std::ffi::OsString,
}

impl Systemd {
    /// Its commands are looked for in the absolute parts of `$PATH`.
    ///
    /// # Errors
    /// There is no `systemctl`.
    pub fn find(environment: &Environment) -> Result<Self, ServiceError> {
        let path = environment.get("PATH").unwrap_or_default();
        let absolute = std::env::split_paths(path).filter(|part| part.is_absolute());
        let found = Self {
            path: std::env::join_paths(absolute).unwrap_or_default(),
        };
        match found.program("systemctl") {
            Some(_) => Ok(found),
            None => Err(ServiceError::NoSystemd {
                detail: "there is no systemctl in $PATH",
            }),
        }
    }

    /// Whether it runs this machine.
    ///
    /// # Errors
    /// It does not, or cannot be asked.
    pub fn runs_this_machine(&self) -> Result<(), ServiceError> {
        let output = self.output(&["systemctl", "is-system-running"])?;
        // Any other word is that of a machine that runs, starts or ends.
        if output.stdout.is_empty() || output.stdout.starts_with(b"offline") {
            return Err(ServiceError::NoSystemd {
                detail: "systemctl says that it is offline",
            });
        }
        Ok(())
    }

    /// Runs one of its commands to its end. The words are those of a command line.
    ///
    /// # Errors
    /// There is no such command, or it fails.
    pub fn run<A: AsRef<OsStr>>(&self, words: &[A]) -> Result<(), ServiceError> {
        self.succeed(words).map(drop)
    }

    /// How the units are, in the order of their names.
    ///
    /// # Errors
    /// systemd cannot be asked.
    pub fn status(&self) -> Result<Vec<UnitStatus>, ServiceError> {
        let properties = format!("--property={}", UnitStatus::PROPERTIES);
        let mut words = vec!["systemctl", "show", &properties];
        words.extend(Service::UNITS);
        words.push("tailscaled.service");
        let output = self.succeed(&words)?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.split("\n\n").map(UnitStatus::parse).collect())
    }

    fn succeed<A: AsRef<OsStr>>(&self, words: &[A]) -> Result<Output, ServiceError> {
        let output = self.output(words)?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        Err(ServiceError::Systemd {
            command: shown(words),
            words: if said.is_empty() {
                OutsideText::of(output.status)
            } else {
                OutsideText::new(said)
            },
        })
    }

    fn output<A: AsRef<OsStr>>(&self, words: &[A]) -> Result<Output, ServiceError> {
        let failed = |detail: &str| ServiceError::Systemd {
            command: shown(words),
            words: OutsideText::new(detail),
        };
        let Some((name, arguments)) = words.split_first() else {
            return Err(failed("there is no command"));
        };
        let program = self
            .program(name.as_ref())
            .ok_or_else(|| failed("there is no such command"))?;
        Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", &self.path)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(&error.to_string()))
    }

    fn program(&self, name: impl AsRef<OsStr>) -> Option<PathBuf> {
        which::which_in(name.as_ref(), Some(&self.path), "/").ok()
    }
}

/// As one would type it, without what nobody would: the list of properties.
fn shown<A: AsRef<OsStr>>(words: &[A]) -> String {
    let words = words.iter().map(|word| word.as_ref().to_string_lossy());
    let words = words.filter(|word| !word.starts_with("--property="));
    words.collect::<Vec<_>>().join(" ")
}
