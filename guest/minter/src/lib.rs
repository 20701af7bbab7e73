//! The minting logic: speaks the Tailscale API, knows no host.
//!
//! Start with [`auth_keys::mint`]; [`oauth_clients`] and [`federated_identities`] are about
//! the credentials that keys are minted with.
//!
//! Only `component` uses `wasi:http`. Requests go out through the trait [`Transport`],
//! so the flow is tested natively, and a native program can use the same logic without
//! a sandbox. The types are those of the contract, `wit/types.wit`.

pub mod auth_keys;
mod bindings;
mod checks;
mod client_properties;
#[cfg(target_arch = "wasm32")]
mod component;
mod credential;
mod described;
mod error;
pub mod federated_identities;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod identity_properties;
mod key_properties;
pub mod oauth_clients;
mod path;
mod rejection;
mod resource;
mod retry_after;
mod step;
mod token;
mod transport;

pub use bindings::exports::tailmint::api::types::{
    AuthKey, ClaimRule, ClientDetails, ClientProperties, Credential, Error, FederatedIdentity,
    IdentityDetails, IdentityGrant, IdentityProperties, KeyProperties, MintedKey, NewClient,
    OauthClient, Problem, RateLimit, ScopeCheck, TagsRefusal, TransportCause, TransportFailure,
};
pub use transport::{Request, Response, Transport, TransportError};
