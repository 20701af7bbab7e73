use std::{
    error::Error,
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use tailmint::{Account, Class, Diagnose};
use tailmint_api::OutsideText;
use tailmint_operator::tailscale::JoinError;

use crate::{aside::aside, excerpt::excerpt, hints::hint};

/// Why the command failed: what is printed, and its exit status.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    code: u8,
    message: String,
    hint: Option<String>,
    /// Whether the reader of the output has seen enough.
    is_end_of_reader: bool,
    /// What another program said about it.
    words: Vec<OutsideText>,
    /// The line of a file that is wrong, with a mark below what is wrong in it.
    source: Option<Box<str>>,
    /// Where the credential is from that the API does not take.
    origin: Option<Box<str>>,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Failure {
    pub(super) fn new(class: Class, message: impl Display, hint: Option<String>) -> Self {
        Self {
            class,
            code: class.exit_status(),
            message: message.to_string(),
            hint,
            is_end_of_reader: false,
            words: Vec::new(),
            source: None,
            origin: None,
        }
    }

    pub(super) fn internal(message: &str) -> Self {
        let hint = "this is a fault of tailmint or of the system".to_owned();
        Self::new(Class::Internal, message, Some(hint))
    }

    /// The error for what this machine does not give.
    pub(super) fn machine(message: &str, hint: &str) -> Self {
        Self::new(Class::Internal, message, Some(hint.to_owned()))
    }

    /// The error for output that could not be printed. A reader that has seen enough, such
    /// as `head`, is not a failure.
    pub(super) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::Interrupted {
            return Self::new(Class::Interrupted, "interrupted", None);
        }
        Self {
            is_end_of_reader: error.kind() == io::ErrorKind::BrokenPipe,
            ..Self::machine(
                &format!("standard output cannot be written to: {error}"),
                "let it lead to where there is room",
            )
        }
    }

    /// Whether the reader of the output has seen enough.
    pub(super) fn is_end_of_reader(&self) -> bool {
        self.is_end_of_reader
    }

    /// The same for one of several machines.
    pub(super) fn on(self, machine: &impl Display) -> Self {
        Self {
            message: format!("{machine}: {}", self.message),
            is_end_of_reader: false,
            ..self
        }
    }

    /// What is wrong, without a hint.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The exit status.
    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// The same with another exit status.
    pub(super) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Adds where the credential is from, if the API rejected it.
    pub(super) fn about(self, account: &Account) -> Self {
        let refused = self.class == Class::Rejected;
        Self {
            origin: refused.then(|| account.origin.as_str().into()),
            ..self
        }
    }

    /// The same as the cause of something worse, with what to do about that.
    pub(super) fn saying(self, what: &str, hint: String) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            hint: Some(hint),
            is_end_of_reader: false,
            ..self
        }
    }

    /// The same with the exit status of the signal that came, where it is about
    /// one.
    pub(super) fn by(self, signal: Option<u8>) -> Self {
        match (self.class, signal) {
            (Class::Interrupted, Some(code)) => self.with_code(code),
            _ => self,
        }
    }

    /// Prints it on standard error; the exit status. What was given in the wrong place may
    /// be a secret: nothing that looks like one is repeated.
    pub(super) fn report(&self, as_json: bool) -> ExitCode {
        if self.is_end_of_reader {
            return ExitCode::SUCCESS;
        }
        let mut text = Vec::new();
        // Nothing fails that is written to memory.
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
            writeln!(text, "{error}")
        } else {
            self.print(&mut text)
        };
        aside(&String::from_utf8_lossy(&text));
        ExitCode::from(self.code)
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{ERROR}error:{ERROR:#} {}", self.message)?;
        if let Some(source) = &self.source {
            writeln!(out, "{source}")?;
        }
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

impl<E: Diagnose + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let hint = hint(&error).or_else(|| error.hint());
        Self {
            words: words(&error),
            source: excerpt(&error).map(String::into_boxed_str),
            ..Self::new(error.class(), with_causes(&error), hint)
        }
    }
}

/// The error, and behind it in brackets what caused it.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = OutsideText::of(error);
        message += &format!(" ({})", unsaid(&message, &said));
        cause = error.source();
    }
    message
}

/// The cause without what the message says already.
fn unsaid<'a>(message: &str, cause: &'a str) -> &'a str {
    match cause.split_once(": ") {
        Some((first, rest)) if message.contains(first) => rest,
        _ => cause,
    }
}

/// What `tailscale` said about it.
fn words(error: &(dyn Error + 'static)) -> Vec<OutsideText> {
    let join = error.downcast_ref::<JoinError>();
    join.map_or_else(Vec::new, |error| error.words.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_does_not_repeat_the_message() {
        let message = "no response: the connection broke; a key may exist";
        let cause = unsaid(message, "the connection broke: the other side closed it");
        assert_eq!(cause, "the other side closed it");
        let cause = unsaid(
            message,
            "api.tailscale.com could not be resolved: no such name",
        );
        assert_eq!(
            cause,
            "api.tailscale.com could not be resolved: no such name"
        );
    }
}
