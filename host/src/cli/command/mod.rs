//! The commands, one a file.

mod audit;
mod check;
mod clients;
mod completions;
mod component;
mod demo;
mod exec;
mod keys;
mod mint;
mod policy;
mod up;
mod vault;

pub(super) use audit::audit;
pub(super) use check::check;
pub(super) use clients::clients;
pub(super) use completions::{completions, man};
pub(super) use component::component;
pub(super) use demo::demo;
pub(super) use exec::exec;
pub(super) use keys::keys;
pub(super) use mint::{env, mint};
pub(super) use policy::policy;
pub(super) use up::up;
pub(super) use vault::vault;
