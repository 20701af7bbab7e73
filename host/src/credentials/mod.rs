//! Where the credentials come from: two files of the secrets directory, or two
//! environment variables.

mod account;
mod client_files;
mod credential;
mod error;
mod secret_file;
mod secrets_dir;
mod shape;
mod vault_token;

pub use account::Account;
pub(crate) use account::client_secret;
pub(crate) use client_files::{ClientFiles, Leftover, Presence};
pub use credential::Credential;
pub use error::{CredentialError, Wrong};
pub use secrets_dir::SecretsDir;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use shape::Kind;
pub(crate) use vault_token::vault_token;
