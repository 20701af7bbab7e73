//! What the whole does: the command and the library against the simulator of the
//! API, over TLS.

mod artifact;
mod audit;
mod check;
mod clients;
#[cfg(feature = "compiler")]
mod conformance;
mod contract;
#[cfg(feature = "failpoints")]
mod crash;
mod credential_files;
mod credentials;
#[cfg(feature = "compiler")]
mod embeddings;
mod errors;
mod exec;
mod faults;
#[cfg(feature = "compiler")]
mod hostile;
mod interrupted;
mod join;
mod keys;
mod mint;
mod minter;
mod policy;
mod proxy;
mod stand_in;
mod tailnet;
mod vault;
mod world;
