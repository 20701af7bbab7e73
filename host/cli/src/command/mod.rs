//! The commands, one a file.

mod audit;
mod audit_explain;
mod audit_report;
mod capabilities;
mod check;
mod clients;
mod completions;
mod component;
#[cfg(feature = "demo")]
mod demo;
mod exec;
mod identities;
mod keys;
mod man;
mod mint;
mod policy;
mod service;
mod up;
mod up_over_ssh;
mod vault;

pub(super) use audit::audit;
pub(super) use capabilities::capabilities;
pub(super) use check::check;
pub(super) use clients::clients;
pub(super) use completions::completions;
pub(super) use component::component;
#[cfg(feature = "demo")]
pub(super) use demo::demo;
pub(super) use exec::exec;
pub(super) use identities::identities;
pub(super) use keys::keys;
pub(super) use man::man;
pub(super) use mint::{env, mint};
pub(super) use policy::policy;
pub(super) use service::service;
pub(super) use up::up;
pub(super) use vault::vault;
