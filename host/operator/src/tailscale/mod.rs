//! The `tailscale` command, and how a machine joins with it.

pub(crate) mod child;
mod join;
mod join_error;
mod key_input;
mod program;
mod status;
mod up_arguments;
mod words;

pub use join::{Join, Joined, Step};
pub use join_error::{JoinError, JoinErrorKind, KeyFate};
pub use program::Tailscale;
pub use status::{Node, State};
pub use up_arguments::{UpArguments, UpArgumentsError};
