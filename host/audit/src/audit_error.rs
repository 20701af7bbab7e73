use std::{io, path::PathBuf};

use tailmint_core::{Class, Diagnose};

/// Why something could not be written down, or read again.
#[derive(Debug, thiserror::Error)]
#[error("the audit file {}: {detail}", path.display())]
pub struct AuditError {
    path: PathBuf,
    detail: String,
}

impl AuditError {
    /// An audit of your own failed: where, and why.
    pub fn new(path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            detail: detail.into(),
        }
    }

    pub(crate) fn io(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(path, error.to_string())
    }
}

impl Diagnose for AuditError {
    fn class(&self) -> Class {
        Class::Policy
    }

    fn hint(&self) -> Option<String> {
        Some(
            "what cannot be written down is not sent; make room, or keep the log elsewhere"
                .to_owned(),
        )
    }
}
