//! The ways that bytes of strangers take through this program, as functions that
//! are total and assert what must hold of their results. The fuzz targets in
//! `tests/fuzz` are these, the properties drive them on the stable toolchain, and
//! so does every seed. Not a part of the library's promises.

#![allow(
    clippy::missing_panics_doc,
    reason = "each function is there to panic where what must hold does not"
)]

mod answer;
mod audit_escape;
mod credential_bytes;
mod destination;
mod id_token;
mod keys_response;
mod policy_file;
mod redact_stream;
mod token_response;

pub use audit_escape::audit_escape;
pub use credential_bytes::credential_bytes;
pub use destination::destination;
pub use id_token::id_token;
pub use keys_response::keys_response;
pub use policy_file::policy_file;
pub use redact_stream::redact_stream;
pub use token_response::token_response;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod seeds;

/// A fuzz target: its name, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 8] = [
    ("audit_escape", audit_escape),
    ("credential_bytes", credential_bytes),
    ("destination", destination),
    ("id_token", id_token),
    ("keys_response", keys_response),
    ("policy_file", policy_file),
    ("redact_stream", redact_stream),
    ("token_response", token_response),
];
