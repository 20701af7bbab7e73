//! A component that has turned hostile.
//!
//! Its `mint` does what the scenario says that is named in the credential's id.
//! The table of the scenarios is one for the component and for the tests, so that
//! none can be without the other.

mod claim;
mod exchanges;
mod scenario;
mod table;
mod vector;

#[cfg(target_arch = "wasm32")]
mod component;

pub use claim::{Claim, Says};
pub use exchanges::exchanges;
pub use scenario::{Action, Body, Lie, Request, Scenario, Waste};
pub use table::all;
pub use vector::vector;
