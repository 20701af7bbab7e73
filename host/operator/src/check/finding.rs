use std::fmt;

use tailmint::{Class, Diagnose};

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at: `config`, `secret file`, `scope services`.
    pub subject: String,
    /// How severe it is.
    pub grade: Grade,
    /// What was found, one line.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What kind of failure it is, where it is one.
    pub class: Option<Class>,
}

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// All is well.
    Passed,
    /// It works, or something else than minting does not.
    Warned,
    /// It does not work.
    Failed,
}

impl Grade {
    /// Its name, for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Finding {
    pub(super) fn passed(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            grade: Grade::Passed,
            message: message.into(),
            hint: None,
            class: None,
        }
    }

    pub(super) fn warned(
        subject: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Warned,
            hint: Some(hint.into()),
            ..Self::passed(subject, message)
        }
    }

    pub(super) fn failed(
        subject: impl Into<String>,
        message: &(impl fmt::Display + ?Sized),
        hint: Option<String>,
        class: Class,
    ) -> Self {
        Self {
            grade: Grade::Failed,
            hint,
            class: Some(class),
            ..Self::passed(subject, message.to_string())
        }
    }

    pub(super) fn from_error(subject: impl Into<String>, error: &impl Diagnose) -> Self {
        Self::failed(subject, error, error.hint(), error.class())
    }
}
