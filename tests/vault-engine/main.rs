//! tailmint as a secrets engine of a real Vault: Vault's own command drives it, against a
//! simulated API.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "what tests read and print is their own"
)]

#[path = "../suite/go.rs"]
mod go;
#[path = "../suite/installed.rs"]
mod installed;
#[path = "../suite/vault/program.rs"]
mod program;
#[path = "../suite/secrets.rs"]
mod secrets;

mod audited;
mod crashes;
mod federated;
mod generated;
mod lab;
mod leases;
mod mounts;
mod paths;
mod storm;
mod world;
