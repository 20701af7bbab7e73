//! The minting logic: speaks the Tailscale API, knows no host.
//!
//! Everything but [`component`] is free of `wasi:http`: requests go out through
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
mod key_properties;
mod path;
mod refusal;
mod retry_after;
mod text;
mod token;
mod transport;

pub use auth_keys::{AuthKey, MintedKey};
pub use credential::{Credential, OauthClient};
pub use error::{Error, Problem, RateLimit, TagsRefusal, TransportCause, TransportFailure};
pub use key_properties::KeyProperties;
pub use transport::{Method, Request, Response, Transport, TransportError};

/// The one host that requests go to, over HTTPS on port 443.
pub const API_HOST: &str = "api.tailscale.com";

/// The scope that a token needs to make, read and revoke auth keys.
pub const AUTH_KEYS_SCOPE: &str = "auth_keys";

/// The most bytes of a response body that are read. The largest answer that the
/// component asks for is well under 4 KiB; more than this is not the API.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;
