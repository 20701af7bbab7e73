//! Lets requests to the Tailscale API through, and no others.
//!
//! The gate is a component of its own. Composed in front of another one it is
//! that one's only way out, so the confinement travels with the file, into
//! runtimes too whose embedder can set no policy.
//!
//! What it lets through is decided by [`Asked::route`], from the table of routes
//! that the host's policy judges by: [`tailmint_api::Route`].

mod asked;
#[cfg(target_arch = "wasm32")]
mod component;

pub use asked::Asked;
