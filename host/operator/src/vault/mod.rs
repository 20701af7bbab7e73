//! Delivers an OAuth client to a Vault: the host's own connection, outside the
//! sandbox, to an address that the policy names.
//!
//! It is four or five requests on the client that the host has anyway, and not a
//! client library. Those that there are bring some hundred crates, follow redirects
//! with the token and the secret, turn verification off for a variable that is
//! merely set, trust an authority beside the system's instead of in their place,
//! and print the token in their debug output. Here a redirect is a response like any
//! other, there is no proxy, every step has its limit, and the bodies are wiped.

mod answer;
mod client;
mod field;
mod path;
mod push;
mod pushed;
mod settings;
mod subject;
mod target;
mod vault_error;
mod write;

#[cfg(feature = "fuzz")]
pub(crate) use answer::{Held, Reader, Wrote};
pub use path::{VaultPath, VaultPathError};
pub use push::Vault;
pub use pushed::{Change, Outcome, Pushed};
pub use settings::VaultSettings;
pub use tailmint_core::{VaultAddress, VaultAddressError};
pub use target::VaultTarget;
pub use vault_error::VaultError;
