//! The minting logic: speaks the Tailscale API, knows no host.
//!
//! Everything but `component` is free of `wasi:http`: requests go out through
//! the [`Transport`] trait, so the flow is tested natively, and a native
//! program can use the same logic without a sandbox.
//!
//! [`auth_keys::mint`] is the main job; [`auth_keys::get`] and
//! [`auth_keys::revoke`] go with it.

pub mod auth_keys;
#[cfg(target_arch = "wasm32")]
mod component;
mod credential;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod key_properties;
mod path;
mod refusal;
mod retry_after;
mod token;
mod transport;

pub use auth_keys::{AuthKey, MintedKey};
pub use credential::{Credential, OauthClient};
pub use error::{Error, Problem, RateLimit, TagsRefusal, TransportCause, TransportFailure};
pub use key_properties::KeyProperties;
pub use transport::{Request, Response, Transport, TransportError};
