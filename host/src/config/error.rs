use std::path::PathBuf;

use crate::Class;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A new profile lacks something.
    #[error("{}: profile {profile} is new and has no {member}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
        /// What it lacks.
        member: &'static str,
    },
    /// The file that was given is not there.
    #[error("{} is not there", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what it should be.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// There is no such profile.
    #[error("there is no profile {name:?}")]
    UnknownProfile {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Incomplete { member, .. } => format!("add {member} to it"),
            Self::Missing { .. } => "give a file that is there, or leave --config out".to_owned(),
            Self::Syntax { .. } | Self::Unreadable { .. } => {
                "mend the file; the README shows one".to_owned()
            }
            Self::UnknownProfile { known, .. } => {
                format!(
                    "choose one of: {}; or add it to the configuration",
                    known.join(", ")
                )
            }
        })
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        Class::Usage
    }
}
