//! Compares `tests/simulator` with the real API, for those who have a tailnet.
//!
//! [`observe`] sends one fixed list of requests ([`FACTS`]), and writes down what came back:
//! the status, the headers that matter, and the members of the body, with ids and secrets taken
//! out ([`Report`]). The same list against a simulator in the same circumstances
//! ([`Simulated`]) has to give the same report: each [`Difference`] is a bug of the simulator.
//!
//! Like the simulator, it is a witness of its own: it shares no type and no line with the
//! programs that are tested against the simulator.

mod api;
mod contract;
mod credential;
mod difference;
mod facts;
mod hidden;
pub mod interruption;
mod leftover;
mod normaliser;
mod report;
mod run;
mod simulated;
mod stop;

pub use api::Target;
pub use credential::{Credential, CredentialKind};
pub use difference::Difference;
pub use facts::FACTS;
pub use hidden::Hidden;
pub use leftover::Leftover;
pub use report::{Circumstances, Observation, Report};
pub use run::{Outcome, Plan, new_prefix, observe};
pub use simulated::Simulated;
pub use stop::Stop;
