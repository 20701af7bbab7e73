use std::{ops::Range, path::PathBuf};

use tailmint_api::OutsideText;
use tailmint_core::{Class, Diagnose, Position};

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file is not a policy.
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
    /// It allows more than the machine's owner does.
    #[error("{}: {member} allows more than {}", path.display(), ceiling.display())]
    WiderThanCeiling {
        /// The user's file.
        path: PathBuf,
        /// The member that allows more.
        member: String,
        /// The file of the machine's owner.
        ceiling: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There is no such file.
    #[error("{}: there is no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else owns the file.
    #[error("{}: it belongs to user {uid}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Others can have put another file in its place, or have removed what a link leads to.
    #[error("{}: {detail}", path.display())]
    Replaceable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
        /// What to do about it.
        hint: String,
    },
    /// Others may write to the file.
    #[error("{}: its mode is {mode:04o}: others may write to it", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl Diagnose for PolicyError {
    fn class(&self) -> Class {
        Class::Policy
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { .. } => "correct the file".to_owned(),
            Self::WiderThanCeiling { member, .. } => {
                format!("narrow {member}, or have the machine's owner widen theirs")
            }
            Self::Unreadable { .. } => "see who may read it".to_owned(),
            Self::Missing { .. } => "name a file that exists".to_owned(),
            Self::Foreign { .. } => {
                "the owner of a policy decides what it says; make root or yourself its owner"
                    .to_owned()
            }
            Self::Replaceable { hint, .. } => hint.clone(),
            Self::Writable { path, .. } => format!("run: chmod go-w {}", path.display()),
        })
    }
}
