//! Mints short-lived Tailscale auth keys in a sandbox and joins machines with them.

mod class;
mod sandbox;
mod secret;

pub use class::Class;
pub use secret::Secret;
