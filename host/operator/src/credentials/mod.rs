//! Where the credentials come from: two files of the secrets directory with an OAuth
//! client, commands that print one, a platform that vouches for a federated identity, two
//! files with an API key, or two environment variables.

mod account;
mod client_files;
mod command;
mod credential_error;
#[cfg(test)]
pub(crate) mod disturbance;
mod held;
pub mod identity;
mod identity_variables;
mod lookup;
mod reach;
mod secret_file;
mod secrets_dir;
mod shape;
mod stray;
mod system;
mod unchangeable;
mod vault_token;

pub(crate) use account::client_secret;
pub use account::{account_from_env, client_from_files};
pub(crate) use client_files::{ClientFiles, Presence, Written};
pub use credential_error::{CommandFailure, CredentialError, KeySettings, Wrong};
pub(crate) use held::Held;
pub use identity_variables::IdentityVariables;
pub use lookup::{Asked, Lookup};
pub(crate) use reach::made_up_modes;
pub use secrets_dir::SecretsDir;
#[doc(hidden)]
pub use shape::{Kind, Value};
pub use stray::Stray;
#[cfg(test)]
pub(crate) use system::Call;
pub use unchangeable::Unchangeable;
pub(crate) use vault_token::vault_token;
