//! What the whole does: the command and the library against the simulator of the
//! API, over TLS.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "what tests read and print is their own"
)]

mod artifact;
mod audit;
mod audit_file;
mod audit_page;
mod audit_report;
mod audit_room;
mod authorities;
mod capabilities;
mod case;
mod check;
#[cfg(feature = "compiler")]
mod claims;
mod clients;
#[cfg(feature = "failpoints")]
mod confined;
#[cfg(feature = "compiler")]
mod conformance;
mod consumers;
mod contract;
#[cfg(feature = "failpoints")]
mod crash;
mod credential_commands;
mod credential_files;
mod credentials;
#[cfg(feature = "compiler")]
mod embeddings;
mod encrypted;
mod errors;
mod exec;
mod faults;
mod federation;
mod formats;
mod generated;
mod github_runner;
mod go;
mod hardened;
mod help;
#[cfg(feature = "compiler")]
mod hostile;
mod house;
mod identities;
mod identity_sources;
mod identity_tokens;
mod installed;
mod interrupted;
mod join;
mod keys;
mod limits;
mod links;
mod machines;
mod mint;
mod minter;
mod network;
mod picture;
mod policy;
mod prose;
mod proxy;
mod ran;
mod recipes;
mod secrets;
mod service;
mod signals;
mod special_files;
mod stand_in;
mod sudo;
mod tailnet;
mod tcp;
mod usage;
mod vault;
mod walks;
mod words;
mod workflows;
mod world;
mod written_log;
