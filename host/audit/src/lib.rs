//! The audit log: one line for each decision, written before the request is sent, and
//! one for its outcome.
//!
//! [`AuditFile`] keeps the lines as a chain, each with the hash of the one before, which goes
//! on where the file is rotated; [`verify`] follows the chain, a [`Checkpoint`] says
//! elsewhere how far it went, and a [`Report`] says what it tells of a time. [`Audit`] is for
//! keeping the lines elsewhere.

mod actor;
mod archive;
mod audit;
mod audit_error;
mod audit_file;
mod beginning;
mod checkpoint;
mod checkpoints;
mod compared;
mod context;
mod entry;
mod fingerprint;
mod happened;
mod head;
mod journal;
mod key_change;
pub mod line;
mod line_reader;
mod lock;
mod message;
mod minted;
mod moment;
mod new_keys;
mod note;
mod open_requests;
mod own_file;
mod public_key;
mod record;
pub mod report;
mod room;
mod rotation;
mod shipped;
mod shipper;
mod shipping;
mod signer;
mod signing_key;
mod socket;
pub mod story;
mod tail;
mod tree;
mod verification;
mod who;

pub use actor::Actor;
pub use audit::Audit;
pub use audit_error::{AuditError, AuditErrorKind};
pub use audit_file::AuditFile;
pub use checkpoint::Checkpoint;
pub use checkpoints::Checkpoints;
pub use compared::Compared;
pub use context::Context;
pub use entry::{AuditEvent, Entry, SecretUse, Verdict};
pub use head::Head;
pub use journal::{Journal, Subject};
pub use minted::Minted;
pub use moment::Moment;
pub use new_keys::NewKeys;
pub use note::MAX_NOTE_BYTES;
pub use public_key::PublicKey;
pub use record::Record;
pub use report::Report;
pub use rotation::Rotation;
pub use shipping::{Receiver, Shipping};
pub use story::Story;
pub use tree::Tree;
pub use verification::{Break, Continued, Verification, follow, follow_lines, follow_to, verify};
pub use who::Who;
