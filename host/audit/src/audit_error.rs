use std::{io, path::Path, path::PathBuf};

use rustix::io::Errno;
use tailmint_core::{Class, Diagnose};

/// Why something could not be written down, or read again.
#[derive(Debug, thiserror::Error)]
#[error("the audit file {}: {detail}", path.display())]
pub struct AuditError {
    path: PathBuf,
    detail: String,
    kind: AuditErrorKind,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditErrorKind {
    /// Where the file is there is no room for the line, or for those that may follow it.
    NoRoom,
    /// The line cannot be written there for another reason.
    Unwritable,
    /// A log cannot be read there.
    Unreadable,
    /// What is written is not taken by the program that it is to be sent to as well.
    Unshipped,
    /// The file belongs to another user, who can change it.
    Foreign,
    /// The file is not one to write a log to, or to take its key from.
    Unfit {
        /// What to do about it.
        remedy: String,
    },
}

impl AuditError {
    /// An audit of your own failed: where, and why.
    pub fn new(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            detail: detail.into(),
            kind: AuditErrorKind::Unwritable,
        }
    }

    /// What is to be done about it.
    pub fn kind(&self) -> &AuditErrorKind {
        &self.kind
    }

    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        let full = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG];
        let is_full = Errno::from_io_error(error).is_some_and(|errno| full.contains(&errno));
        Self {
            kind: if is_full {
                AuditErrorKind::NoRoom
            } else {
                AuditErrorKind::Unwritable
            },
            ..Self::new(path, error.to_string())
        }
    }

    pub(crate) fn unreadable(path: &Path, detail: impl Into<String>) -> Self {
        Self {
            kind: AuditErrorKind::Unreadable,
            ..Self::new(path, detail)
        }
    }

    pub(crate) fn unshipped(path: &Path, error: &io::Error) -> Self {
        Self {
            kind: AuditErrorKind::Unshipped,
            ..Self::new(path, format!("it cannot be shipped: {error}"))
        }
    }

    pub(crate) fn foreign(path: &Path, owner: u32) -> Self {
        Self {
            kind: AuditErrorKind::Foreign,
            ..Self::new(
                path,
                format!("it belongs to the user {owner}, who can change it"),
            )
        }
    }

    pub(crate) fn unfit(path: &Path, detail: impl Into<String>, remedy: &str) -> Self {
        Self {
            kind: AuditErrorKind::Unfit {
                remedy: remedy.to_owned(),
            },
            ..Self::new(path, detail)
        }
    }
}

impl Diagnose for AuditError {
    fn class(&self) -> Class {
        Class::Policy
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            AuditErrorKind::NoRoom => {
                "what cannot be written down is not sent; make room, or keep the log elsewhere"
                    .to_owned()
            }
            AuditErrorKind::Unwritable => {
                "what cannot be written down is not sent; keep the log elsewhere".to_owned()
            }
            AuditErrorKind::Unreadable => "name the file of an audit log".to_owned(),
            AuditErrorKind::Unshipped => {
                "what was written is in the file; start the program that keeps the logs, and try again"
                    .to_owned()
            }
            AuditErrorKind::Foreign => {
                "run this as that user, or keep the log in a directory of your own".to_owned()
            }
            AuditErrorKind::Unfit { remedy } => remedy.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_to_do() {
        let path = Path::new("audit.jsonl");
        let error = |errno: Errno| AuditError::unwritable(path, &errno.into());
        for (error, kind, hint) in [
            (error(Errno::NOSPC), AuditErrorKind::NoRoom, "make room"),
            (error(Errno::DQUOT), AuditErrorKind::NoRoom, "make room"),
            (error(Errno::FBIG), AuditErrorKind::NoRoom, "make room"),
            (
                error(Errno::ROFS),
                AuditErrorKind::Unwritable,
                "is not sent; keep the log elsewhere",
            ),
            (
                AuditError::new(path, "it is away"),
                AuditErrorKind::Unwritable,
                "is not sent; keep the log elsewhere",
            ),
            (
                AuditError::unreadable(path, "it is a device"),
                AuditErrorKind::Unreadable,
                "name the file of an audit log",
            ),
            (
                AuditError::unshipped(path, &Errno::CONNREFUSED.into()),
                AuditErrorKind::Unshipped,
                "start the program",
            ),
            (
                AuditError::foreign(path, 1000),
                AuditErrorKind::Foreign,
                "run this as that user",
            ),
            (
                AuditError::unfit(path, "it is a link", "name the file"),
                AuditErrorKind::Unfit {
                    remedy: "name the file".to_owned(),
                },
                "name the file",
            ),
        ] {
            assert_eq!(*error.kind(), kind, "{error}");
            assert!(error.hint().unwrap().contains(hint), "{error}");
            assert_eq!(error.class(), Class::Policy);
            assert!(
                error
                    .to_string()
                    .starts_with("the audit file audit.jsonl: ")
            );
        }
    }
}
