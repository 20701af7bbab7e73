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
mod audit_log;
mod certificate;
mod config_file;
mod credential_bytes;
mod destination;
mod id_token;
mod keys_response;
mod policy_file;
mod proxy_response;
mod redact_stream;
mod shown;
mod tailscale_status;
mod token_response;
mod vault_response;

pub use audit_escape::audit_escape;
pub use audit_log::audit_log;
pub use certificate::certificate;
pub use config_file::config_file;
pub use credential_bytes::credential_bytes;
pub use destination::destination;
pub use id_token::id_token;
pub use keys_response::keys_response;
pub use policy_file::policy_file;
pub use proxy_response::proxy_response;
pub use redact_stream::redact_stream;
pub use tailscale_status::tailscale_status;
pub use token_response::token_response;
pub use vault_response::vault_response;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod seeds;

/// A fuzz target: its name, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 14] = [
    ("audit_escape", audit_escape),
    ("audit_log", audit_log),
    ("certificate", certificate),
    ("config_file", config_file),
    ("credential_bytes", credential_bytes),
    ("destination", destination),
    ("id_token", id_token),
    ("keys_response", keys_response),
    ("policy_file", policy_file),
    ("proxy_response", proxy_response),
    ("redact_stream", redact_stream),
    ("tailscale_status", tailscale_status),
    ("token_response", token_response),
    ("vault_response", vault_response),
];
