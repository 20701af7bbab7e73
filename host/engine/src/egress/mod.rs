//! The one way out: every request of the component goes through the [`pipeline`], step
//! by step, or is not sent.

mod address;
mod api_response;
mod code;
mod connect_to;
mod connections;
mod connector;
mod hooks;
mod limits;
mod pipeline;
mod proxy;
mod reach;
mod resolver;
mod rewrite;
mod subject;
mod trust;

pub use api_response::ApiResponse;
#[cfg(feature = "__internals")]
pub(crate) use connector::tls_failure;
#[cfg(feature = "__internals")]
pub(crate) use trust::OwnOrSigned;

pub use connect_to::{ConnectTo, ConnectToError};
pub use connections::Connections;
pub(crate) use connector::Connector;
pub(crate) use hooks::Egress;
pub use limits::Limits;
pub(crate) use pipeline::{Outcome, Run, Seen};
pub use proxy::{Proxy, ProxyError};
pub use trust::{Trust, TrustError};

/// The port of HTTPS.
const PORT: u16 = 443;
