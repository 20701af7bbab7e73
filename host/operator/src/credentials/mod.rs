//! Where the credentials come from: two files of the secrets directory, or two
//! environment variables.

mod account;
mod client_files;
mod credential_error;
mod secret_file;
mod secrets_dir;
mod shape;
mod vault_token;

pub use account::{account_for_profile, account_from_env};
pub(crate) use account::{all_wrong, client_secret};
pub(crate) use client_files::{ClientFiles, Leftover, Presence};
pub use credential_error::{CredentialError, Wrong};
pub use secrets_dir::SecretsDir;
#[doc(hidden)]
pub use shape::Kind;
pub(crate) use vault_token::vault_token;
