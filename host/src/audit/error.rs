use std::{io, path::PathBuf};

use crate::Class;

/// Why something could not be written down, or read again.
#[derive(Debug, thiserror::Error)]
#[error("the audit file {}: {detail}", path.display())]
pub struct AuditError {
    pub(super) path: PathBuf,
    pub(super) detail: String,
}

impl AuditError {
    /// An audit of your own failed: where, and why.
    pub fn new(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            detail: detail.into(),
        }
    }

    pub(super) fn io(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(path, error.to_string())
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("nothing is sent that is not written down; make room, or give --audit-file".to_owned())
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        Class::Policy
    }
}
