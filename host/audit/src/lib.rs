//! The audit log: one line for each decision, written before the request is sent, and
//! one for its outcome.
//!
//! [`AuditFile`] keeps the lines as a chain, each with the hash of the one before;
//! [`verify`] follows the chain of a file, and [`Report`] says what it tells of a time.
//! [`Audit`] is for keeping them elsewhere.

mod actor;
mod audit;
mod audit_error;
mod audit_file;
mod context;
mod entry;
mod fingerprint;
mod happened;
mod head;
mod journal;
pub mod line;
mod line_reader;
mod lock;
mod minted;
mod moment;
mod new_keys;
mod open_requests;
mod own_file;
mod record;
pub mod report;
mod room;
pub mod story;
mod tail;
mod verification;
mod who;

pub use actor::Actor;
pub use audit::Audit;
pub use audit_error::{AuditError, AuditErrorKind};
pub use audit_file::AuditFile;
pub use context::Context;
pub use entry::{AuditEvent, Entry, SecretUse, Verdict};
pub use head::Head;
pub use journal::{Journal, Subject};
pub use minted::Minted;
pub use moment::Moment;
pub use new_keys::NewKeys;
pub use record::Record;
pub use report::Report;
pub use story::Story;
pub use verification::{Break, Verification, follow, follow_lines, verify};
pub use who::Who;
