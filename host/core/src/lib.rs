//! What every host crate of tailmint needs: the secret type, classes of errors, what a
//! policy decided, what happened to a request. No file, no connection and no clock is
//! touched here.

mod class;
mod decision;
mod diagnose;
pub mod digest;
mod environment;
mod event;
mod fail_point;
mod failure;
mod interrupt;
mod limit;
mod parts;
mod position;
mod redacted;
mod secret;
mod vault_address;

pub use class::Class;
pub use decision::{Decision, Denial, quoted};
pub use diagnose::Diagnose;
pub use environment::{Environment, Invoker};
pub use event::{Event, Observer, Unobserved};
pub use fail_point::fail_point;
pub use failure::{CertificateProblem, Failure};
pub use interrupt::Interrupt;
pub use limit::in_seconds;
pub use parts::{Parts, redact};
pub use position::Position;
pub use redacted::redacted;
pub use secret::Secret;
pub use vault_address::{VaultAddress, VaultAddressError};
