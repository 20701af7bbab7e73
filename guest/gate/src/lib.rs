//! Lets requests to the Tailscale API through, and no others.
//!
//! The gate is a component of its own. Composed in front of another one it is
//! that one's only way out. So the confinement travels with the file, also into
//! runtimes whose embedder can set no policy.
//!
//! [`allow()`] decides, by the routes that the host's policy judges by too:
//! [`tailmint_api::Route`].

mod allow;
#[cfg(target_arch = "wasm32")]
mod component;

pub use allow::{Destination, allow};
