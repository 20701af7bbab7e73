//! Federated identities: who may come in without a secret, and the way there from an OAuth
//! client.

mod admitted;
mod move_from;
mod strangers;
mod terraform;

pub use admitted::{Admitted, AdmittedError, Part};
pub use move_from::{MoveError, Moved, before, move_from};
pub use strangers::{Strangers, strangers};
pub use terraform::terraform;
