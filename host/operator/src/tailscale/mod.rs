//! The `tailscale` command, and how a machine joins with it.

pub(crate) mod child;
mod daemon;
mod join;
mod join_error;
mod keep;
mod key_input;
mod mac_app;
mod networking;
mod program;
mod ssh;
mod ssh_host;
mod ssh_session;
mod status;
mod sudo;
mod time_limit;
mod up_arguments;
mod words;

pub use join::{Join, Joined, Step};
pub use join_error::{JoinError, JoinErrorKind, KeyFate};
pub use keep::Keep;
pub use networking::Networking;
pub use program::Tailscale;
pub use ssh_host::{SshHost, SshHostError};
#[cfg(feature = "fuzz")]
pub(crate) use status::Status;
pub use status::{Node, State};
pub use time_limit::TimeLimit;
pub use up_arguments::{UpArguments, UpArgumentsError};
