//! What the benchmarks share: minting without a sandbox, an API in memory, and what
//! is said to the process that mints for many.

/// The one that tailmint has, where it has not the system's.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg(feature = "programs")]
pub mod memory;
#[cfg(feature = "programs")]
pub mod native;
pub mod request;
pub mod task;
