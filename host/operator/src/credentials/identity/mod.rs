//! Identity tokens: JWTs by which a platform says what runs on it, for a federated identity
//! of Tailscale.
//!
//! They are read from a file, a variable, the output of a command, or a service of the
//! platform; each of these only where the policy names it. A token is a bearer credential
//! of minutes: it is read late, kept nowhere, and shown nowhere but for its claims.

mod asking;
mod azure;
mod call;
mod connection;
mod endpoints;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod fetch_tests;
mod fetched;
mod fly;
mod gcp;
mod github;
mod id_token;
mod identity_error;
mod issuer_document;
mod issuer_problem;
mod local_address;
mod published;
#[cfg(test)]
mod published_tests;
mod received;
mod sending;
mod sources;
mod subject;
mod unfit;

pub use crate::token_source::{Platform, TokenSource, TokenSourceKind};
pub use fetched::Fetched;
pub use id_token::{IdToken, IdTokenError};
pub use identity_error::{AddressProblem, IdentityError};
pub use issuer_document::IssuerDocument;
pub use issuer_problem::IssuerProblem;
pub use published::Published;
pub use sources::IdentitySources;
pub use unfit::{Unfit, judge};
