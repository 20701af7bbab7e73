use std::{fmt::Display, io::Write, process::ExitCode};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use tailmint::{
    Account, AuditError, Class, ClientsError, ConfigError, CredentialError, JoinError, MintError,
    PolicyError, ProxyError, TrustError, UpArgumentsError, VaultError, VaultPathError,
};

use super::signals::Signals;

/// Why the command failed: what is printed, and its exit status.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    code: u8,
    message: String,
    hint: Option<String>,
    /// What another program said about it.
    words: Vec<String>,
    /// Where the credential is from that the API does not take.
    origin: Option<String>,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Failure {
    pub(super) fn new(class: Class, message: impl Display, hint: Option<String>) -> Self {
        Self {
            class,
            code: class.exit_code(),
            message: message.to_string(),
            hint,
            words: Vec::new(),
            origin: None,
        }
    }

    pub(super) fn internal(message: &str) -> Self {
        let hint = "this is a fault of tailmint or of the system".to_owned();
        Self::new(Class::Internal, message, Some(hint))
    }

    /// The same with another exit status.
    pub(super) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The same with the place of the credential, where the API refused it.
    pub(super) fn about(self, account: &Account) -> Self {
        let refused = self.class == Class::Refused;
        Self {
            origin: refused.then(|| account.origin.clone()),
            ..self
        }
    }

    /// The same as the cause of something worse, with what to do about that.
    pub(super) fn saying(self, what: &str, hint: String) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            hint: Some(hint),
            ..self
        }
    }

    /// The same with the exit status of the signal that came, where it is about
    /// one.
    pub(super) fn by(self, signals: &Signals) -> Self {
        match (self.class, signals.exit_code()) {
            (Class::Interrupted, Some(code)) => self.with_code(code),
            _ => self,
        }
    }

    /// Prints it on standard error; the exit status.
    pub(super) fn report(&self, as_json: bool) -> ExitCode {
        let mut out = anstream::stderr().lock();
        // Where standard error is gone there is nobody to tell.
        let _ = if as_json {
            let error = json!({
                "error": {
                    "class": self.class.name(),
                    "exit-status": self.code,
                    "message": self.message,
                    "hint": self.hint,
                    "tailscale": self.words,
                    "credential": self.origin,
                }
            });
            writeln!(out, "{error}")
        } else {
            self.print(&mut out)
        };
        ExitCode::from(self.code)
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "{ERROR}error:{ERROR:#} {}", self.message)?;
        for line in &self.words {
            writeln!(out, "  tailscale: {line}")?;
        }
        if let Some(origin) = &self.origin {
            writeln!(out, "  the credential is from {origin}")?;
        }
        match &self.hint {
            Some(hint) => writeln!(out, "{HINT}hint:{HINT:#} {hint}"),
            None => Ok(()),
        }
    }
}

impl From<MintError> for Failure {
    fn from(error: MintError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self {
            words: error.words.clone(),
            ..Self::new(error.class(), &error, error.hint())
        }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<ClientsError> for Failure {
    fn from(error: ClientsError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::new(error.class(), &error, error.hint())
    }
}

impl From<VaultPathError> for Failure {
    fn from(error: VaultPathError) -> Self {
        let hint = "give --path, without / at the end".to_owned();
        let message = format!("the profile's name cannot be a part of a path: {error}");
        Self::new(Class::Usage, message, Some(hint))
    }
}

impl From<UpArgumentsError> for Failure {
    fn from(error: UpArgumentsError) -> Self {
        Self::new(Class::Usage, &error, error.hint())
    }
}
