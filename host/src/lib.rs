//! Mints short-lived Tailscale auth keys in a sandbox and joins machines with them.
//!
//! ```no_run
//! use tailmint::{Account, Environment, Minter, Profile, SecretsDir};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::of_process();
//! let [profile, _] = Profile::built_in();
//! let directory = SecretsDir::find(None, None, &environment)?;
//! let account = Account::of_profile(&profile, &directory, &environment)?;
//!
//! let minter = Minter::builder().build()?;
//! let minted = minter
//!     .mint(&account.credential, &account.tailnet, &profile.key)
//!     .await?;
//! println!("key {} until {}", minted.details.id, minted.details.expires);
//! # Ok(())
//! # }
//! ```
//!
//! For most uses that is all. [`MinterBuilder`] takes a [`Policy`] of your own, an
//! [`Audit`] that every decision is written to before its request leaves, an
//! [`Observer`], a deadline and an [`Interrupt`].
//!
//! It needs a tokio runtime with I/O and time, but not to be polled by it: where
//! one is entered, any executor can drive a call. A [`Minter`] is `Send` and `Sync`;
//! a call that is dropped leaves it as usable as before, though a key whose request
//! had left may then exist until its expiry. It prints nothing, reads no environment
//! variable that it is not given, and never ends the process.
//!
//! [`EmbeddedComponent`] has the component itself, for other runtimes.

mod audit;
mod check;
mod class;
mod client_properties;
mod clients;
mod config;
mod credentials;
mod description;
mod digest;
mod egress;
mod environment;
mod event;
mod expiry;
mod fail_point;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;
mod interrupt;
mod key_id;
mod key_properties;
mod minter;
mod policy;
mod profile;
mod sandbox;
mod scope;
mod seal;
mod secret;
mod tag;
mod tailnet;
mod tailscale;
mod vault;

pub use audit::{
    Actor, Audit, AuditError, AuditEvent, AuditFile, Break, Entry, SecretUse, Verdict,
    Verification, verify,
};
pub use check::{Check, Finding, Grade};
pub use class::Class;
pub use client_properties::ClientProperties;
pub use clients::{
    Clients, ClientsError, Created, Deleted, Grace, OldClient, Owner, Rotated, import, terraform,
};
pub use config::{Config, ConfigError};
pub use credentials::{Account, Credential, CredentialError, SecretsDir, Wrong};
pub use description::{Description, DescriptionError};
pub use egress::{ConnectTo, Failure, Limits, Proxy, ProxyError, Trust, TrustError};
pub use environment::Environment;
pub use event::{Event, Observer};
pub use expiry::{Expiry, ExpiryError};
pub use interrupt::Interrupt;
pub use key_id::{KeyId, KeyIdError};
pub use key_properties::KeyProperties;
#[cfg(feature = "benchmark")]
#[doc(hidden)]
pub use minter::parts;
pub use minter::{
    AuthKey, ClientDetails, MintError, MintErrorKind, MintedKey, Minter, MinterBuilder, NewClient,
    ScopeCheck,
};
pub use policy::{Decision, Explained, Operation, Policy, PolicyError, Refusal};
pub use profile::Profile;
pub use sandbox::{EmbeddedComponent, InspectError, Inspected};
pub use scope::{Scope, ScopeError};
pub use secret::Secret;
pub use tag::{Tag, TagError};
pub use tailmint_api::API_HOST;
pub use tailnet::{Tailnet, TailnetError};
pub use tailscale::{
    Join, JoinError, JoinErrorKind, Joined, KeyFate, Node, State, Step, Tailscale, UpArguments,
    UpArgumentsError,
};
pub use vault::{
    Change, Outcome, Pushed, Vault, VaultAddress, VaultAddressError, VaultError, VaultPath,
    VaultPathError, VaultSettings, VaultTarget,
};
