//! The `tailscale` command, and how a machine joins with it.

mod arguments;
mod child;
mod error;
mod join;
mod key_input;
mod program;
mod status;
mod words;

pub use arguments::{UpArguments, UpArgumentsError};
pub use error::{JoinError, JoinErrorKind, KeyFate};
pub use join::{Join, Joined, Step};
pub use program::Tailscale;
pub use status::{Node, State};
