//! What left the machine, or was to leave it: one line for each decision, written
//! before the request is sent, and one for what came of it.

mod actor;
mod entry;
mod error;
mod file;
mod fingerprint;
mod journal;
pub(crate) mod line;
mod verify;

pub use actor::Actor;
pub(crate) use entry::Context;
pub use entry::{AuditEvent, Entry, SecretUse, Verdict};
pub use error::AuditError;
pub use file::AuditFile;
pub(crate) use journal::{About, Journal};
pub use verify::{Break, Verification, verify};

use crate::Secret;

/// Where decisions are written down.
pub trait Audit: Send + Sync {
    /// Writes the entry down so that it stays. Where that fails, the request
    /// that it is about is not sent.
    ///
    /// # Errors
    /// It could not be written.
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError>;

    /// What stands for the secret in entries: the same for the same secret, and
    /// of no use to find it out. `None` where entries have only its name.
    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        let _ = secret;
        None
    }
}
