use std::{ops::Range, path::PathBuf};

use crate::UnsoundFile;
use tailmint::{Class, Diagnose};
use tailmint_api::OutsideText;
use tailmint_core::Position;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A profile has a member that is of no use without another.
    #[error("{}: profile {profile} has {member}, and no {lacks}", path.display())]
    Half {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
        /// What it has.
        member: &'static str,
        /// What it lacks.
        lacks: &'static str,
    },
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
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A profile has two members that cannot be there together.
    #[error("{}: profile {profile} has {} and {}", path.display(), members[0], members[1])]
    Rivals {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
        /// The two members.
        members: [&'static str; 2],
    },
    /// The file is not what it should be.
    #[error("{}:{}:{}: {message}", path.display(), position.line, position.column)]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is in it.
        text: String,
        /// The bytes of the text that are wrong.
        span: Range<usize>,
        /// Where they begin.
        position: Position,
        /// What is wrong there.
        message: OutsideText,
    },
    /// Root would read it on behalf of the user who ran `sudo`, and others can change it.
    #[error("{} is not for root to believe: {detail}", path.display())]
    Unbelievable {
        /// The file.
        path: PathBuf,
        /// Who can change it.
        detail: String,
        /// Whose it should be.
        user: u32,
    },
    /// There is no such profile.
    #[error("there is no profile {name:?}")]
    UnknownProfile {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Others can change the file.
    #[error(transparent)]
    Unsound(UnsoundFile),
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
    /// The same for a file that root would read on behalf of this user.
    pub(super) fn for_root(self, user: u32) -> Self {
        match self {
            Self::Unsound(UnsoundFile { path, unsound }) => Self::Unbelievable {
                path,
                detail: unsound.to_string(),
                user,
            },
            error => error,
        }
    }
}

impl Diagnose for ConfigError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Half {
                lacks: "token-source",
                ..
            } => "say where its identity tokens come from: token-file, token-env, token-command or token-source".to_owned(),
            Self::Half { lacks, .. } => format!("add {lacks} to it"),
            Self::Incomplete { member, .. } => format!("add {member} to it"),
            Self::Missing { .. } => "give a file that exists, or leave --config out".to_owned(),
            Self::Rivals {
                members: ["token-source", azure],
                ..
            } => format!("take {azure} out, or set token-source = \"azure\""),
            Self::Rivals { members, .. } => format!("keep {} or {}", members[0], members[1]),
            Self::Syntax { .. } | Self::Unreadable { .. } => {
                "correct the file; docs/guide.md shows one".to_owned()
            }
            Self::Unsound(error) => return error.hint(),
            Self::Unbelievable { user, .. } => format!(
                "let it belong to user {user} and let nobody else write it, or give --config FILE"
            ),
            Self::UnknownProfile { known, .. } => {
                format!(
                    "choose one of: {}; or add it to the configuration",
                    known.join(", ")
                )
            }
        })
    }
}
