//! The audit log: one line for each decision, written before the request is sent, and
//! one for its outcome.
//!
//! [`AuditFile`] keeps the lines as a chain, each with the hash of the one before;
//! [`verify`] follows the chain of a file. [`Audit`] is for keeping them elsewhere.

mod actor;
mod audit;
mod audit_error;
mod audit_file;
mod context;
mod entry;
mod fingerprint;
mod head;
mod journal;
pub mod line;
mod line_reader;
mod lock;
mod minted;
mod new_keys;
mod own_file;
mod record;
mod room;
mod tail;
mod verification;

pub use actor::Actor;
pub use audit::Audit;
pub use audit_error::{AuditError, AuditErrorKind};
pub use audit_file::AuditFile;
pub use context::Context;
pub use entry::{AuditEvent, Entry, SecretUse, Verdict};
pub use head::Head;
pub use journal::{Journal, Subject};
pub use minted::Minted;
pub use new_keys::NewKeys;
pub use record::Record;
pub use verification::{Break, Verification, follow, follow_lines, verify};
