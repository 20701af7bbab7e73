//! The simulator by what its clients see: federated identities, the exchange of identity
//! tokens, issuers, and sources.

mod api;
mod exchange;
mod identities;
mod issuers;
mod sources;
