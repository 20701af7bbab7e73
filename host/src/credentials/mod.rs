//! Where the credentials come from: two files of the secrets directory, or two
//! environment variables.

mod account;
mod credential;
mod error;
mod secret_file;
mod secrets_dir;
mod shape;

pub use account::Account;
pub use credential::Credential;
pub use error::{CredentialError, Wrong};
pub use secrets_dir::SecretsDir;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use shape::Kind;
