//! What people and machines need around the engine: profiles and configuration, the files
//! that credentials are in, the life of OAuth clients and federated identities, checks,
//! joining with the `tailscale` command, units of systemd that do so at boot, and the
//! delivery of OAuth clients to a Vault.

mod authorities;
pub mod check;
pub mod clients;
pub mod component_file;
pub mod config;
pub mod confinement;
pub mod credentials;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod identities;
mod minter_settings;
mod opened;
pub mod policy_file;
mod profile;
mod profile_credential;
mod profile_identity;
pub mod service;
mod sound_file;
mod source;
pub mod tailscale;
mod token_source;
mod unsound;
mod users;
pub mod vault;

pub use authorities::{Authorities, AuthoritiesError};
pub use credentials::identity;
pub use minter_settings::{MinterSettings, MinterSettingsError};
pub use profile::Profile;
pub use profile_credential::ProfileCredential;
pub use profile_identity::ProfileIdentity;
pub use source::{CredentialCommand, Source};
pub use token_source::{Platform, TokenSource, TokenSourceKind};
pub use unsound::{Unsound, UnsoundFile};
pub use users::environment_of_process;
