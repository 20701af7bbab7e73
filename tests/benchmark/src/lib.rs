//! What the benchmarks share: minting without a sandbox, an API in memory, and what
//! is said to the process that mints for many.

pub mod memory;
pub mod native;
pub mod request;
pub mod task;
