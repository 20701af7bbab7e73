//! Answers as api.tailscale.com does, over TLS, on loopback.
//!
//! [`Simulator::start`] runs one on a thread of its own; dropping it ends it.
//! Tests look at what arrived ([`Simulator::requests`], [`Simulator::connections`]),
//! at what there is ([`Simulator::live_keys`], [`Simulator::clients`]), and tell
//! it to misbehave ([`Simulator::misbehave`]).
//!
//! It is an oracle: it shares no type and no line with the programs that are
//! tested against it, and follows what is known of the real service.
//!
//! # What it does as the service does
//!
//! - The token endpoint takes credentials in the form and as HTTP Basic; it
//!   reads the client out of the secret and ignores the id (`tailscale up` sends
//!   a dummy); `grant_type` may be left out; `scope` is separated by spaces; a
//!   scope that the client does not have fails the whole request with 403 and
//!   lists all that were asked for; scopes that do not exist are dropped without
//!   a word, and where nothing is left the token gets the whole grant
//!   (tailscale/tailscale #14286); the answer has `tags` (#15456).
//! - Errors are `{"message": ...}`; success is 200, for new keys too.
//! - Request JSON is read strictly: `json: unknown field "x"` (#7145).
//! - The tags of a key are exactly those of the token, or tags that those own;
//!   a part of them is refused (#15456, #12402). Keys made with an OAuth client
//!   must have tags.
//! - `expirySeconds` is at most 7776000 (#18081), and 0 or absent means that.
//! - A revoked, used or expired key is still described, with `invalid: true`.
//! - Deleting an OAuth client ends its tokens; PUT replaces it wholesale and
//!   keeps its secret.
//! - Without the scope `services`, the services are 404 (#19471).
//!
//! # What is a guess
//!
//! The status of an unknown member (400), the words about a bad description, and
//! that a used single-use key is described rather than 404 (both were seen).
//!
//! With [`Setup::headscale`], refusals, ids and key strings are Headscale's.

mod authority;
mod certificate;
mod clock;
mod control;
mod dialect;
mod exchange;
mod fault;
mod federated_identity;
mod greeting;
mod issuer;
mod key;
mod keys;
mod oauth_client;
mod record;
mod refusal;
mod scope;
mod server;
mod setup;
mod side_server;
mod simulator;
pub mod sources;
mod state;
mod token;

pub use certificate::CertificateFault;
pub use fault::{Ending, Endpoint, Fault};
pub use federated_identity::FederatedIdentity;
pub use greeting::Greeting;
pub use issuer::{Algorithm, Document, Forgery, Issuer, IssuerFault};
pub use key::{Key, KeyKind};
pub use oauth_client::OauthClient;
pub use record::{Answer, Recorded};
pub use setup::Setup;
pub use simulator::Simulator;
