//! Identity tokens: JWTs by which a platform says what runs on it, for a federated identity
//! of Tailscale.
//!
//! They are read from a file, a variable, the output of a command, or a service of the
//! platform; each of these only where the policy names it. A token is a bearer credential
//! of minutes: it is read late, kept nowhere, and shown nowhere but for its claims.

mod fetched;
mod id_token;
mod identity_error;
mod sources;
mod unfit;

pub use crate::token_source::{Platform, TokenSource, TokenSourceKind};
pub use fetched::Fetched;
pub use id_token::{IdToken, IdTokenError};
pub use identity_error::{AddressProblem, IdentityError};
pub use sources::IdentitySources;
pub use unfit::{Unfit, judge};
