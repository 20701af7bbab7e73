//! What may be said to the API. Pure: a request, what the caller asked for and
//! what was sent before go in, a [`Decision`] comes out, and nothing else
//! happens. Only [`Policy::load`] reads files.

mod decision;
mod document;
mod explain;
mod intent;
mod load;
mod operation;
mod outbound;
mod rule;
mod run_policy;

pub(crate) use decision::quoted;
pub use decision::{Decision, Refusal};
pub(crate) use document::Permission;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use document::{Document, Draft};
pub use explain::Explained;
pub(crate) use intent::{Errand, Intent};
pub use load::{Policy, PolicyError};
pub use operation::Operation;
pub(crate) use outbound::{Body, MAX_BODY_BYTES, Outbound};
pub(crate) use rule::Rule;
pub(crate) use run_policy::RunPolicy;
