//! The life of a profile's OAuth client: made, exchanged for another, deleted, with
//! its two files always naming one that works.

mod clients_error;
mod create;
mod credential_store;
mod delete;
mod encrypt;
mod import;
mod owner;
mod rotate;
mod strays;
mod terraform;
#[cfg(test)]
mod walks;

pub use clients_error::ClientsError;
pub use credential_store::CredentialStore;
pub use delete::Deleted;
pub use encrypt::encrypt;
pub use import::import;
pub use owner::Owner;
pub use rotate::{Grace, OldClient, Rotated};
pub use terraform::terraform;

use crate::Profile;
use crate::credentials::{SecretsDir, Stray};
use tailmint::{Interrupt, Minter};

/// The OAuth client of one profile, and who may make and delete it.
pub struct Clients<'a> {
    /// Asks the API.
    pub minter: &'a Minter,
    /// Who may make and delete OAuth clients.
    pub owner: &'a Owner,
    /// What the client is to be, and its files.
    pub profile: &'a Profile,
    /// Where the files are.
    pub secrets_dir: &'a SecretsDir,
    /// Ends every wait.
    pub interrupt: &'a Interrupt,
    /// Is told at once of a client that goes out of the files and may live on, whatever
    /// becomes of the call.
    pub tell: &'a dyn Fn(&Stray),
}
