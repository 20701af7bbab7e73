//! What may be said to the Tailscale API.
//!
//! A request, what the caller asked for and what was sent before go in; a
//! [`Decision`](tailmint_core::Decision) comes out, and nothing else happens: no file,
//! no connection and no clock is touched here.
//!
//! [`Policy`] is what an embedder needs. The rest is for code that enforces one: an
//! [`Intent`] says what the caller asked for, [`Request`] is a request in its one
//! normal form, and [`RunPolicy`] decides about the requests of one call in turn.

mod asking;
#[cfg(test)]
mod ceiling_tests;
mod choice;
mod document;
mod explained;
mod intent;
mod intent_check;
#[cfg(test)]
mod judged_tests;
mod member;
mod policy;
mod policy_error;
mod reference;
mod request;
mod run_policy;
mod schema;
mod section;
mod seen;

pub use asking::Asking;
pub use explained::Explained;
pub use intent::{Intent, Task};
pub use policy::{Policy, PolicyFile};
pub use policy_error::PolicyError;
pub use reference::reference;
pub use request::{Body, MAX_BODY_BYTES, Request};
pub use run_policy::RunPolicy;
pub use schema::schema;
pub use seen::{ComponentFacts, IdentityFacts, IdentitySource, TrustFacts};
