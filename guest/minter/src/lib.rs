//! The minting logic: speaks the Tailscale API, knows no host.
//!
//! Everything but `component` is free of `wasi:http`: requests go out through
//! the [`Transport`] trait, so the flow is tested natively, and a native
//! program can use the same logic without a sandbox.
//!
//! [`auth_keys::mint`] is the main job; what else is in [`auth_keys`] goes with it.
//! [`oauth_clients`] makes, checks and ends what it is done with.

pub mod auth_keys;
mod client_properties;
#[cfg(target_arch = "wasm32")]
mod component;
mod credential;
mod described;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod key_kind;
mod key_properties;
pub mod oauth_clients;
mod path;
mod rejection;
mod resource;
mod retry_after;
mod step;
mod token;
mod transport;

pub use auth_keys::{AuthKey, MintedKey};
pub use client_properties::ClientProperties;
pub use credential::{Credential, OauthClient};
pub use error::{Error, Problem, RateLimit, TagsRefusal, TransportCause, TransportFailure};
pub use key_properties::KeyProperties;
pub use oauth_clients::{ClientDetails, NewOauthClient, ScopeCheck};
pub use transport::{Request, Response, Transport, TransportError};
