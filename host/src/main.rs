//! The `tailmint` command.

mod cli;

use std::process::ExitCode;

/// With musl's own a mint takes a millisecond more. It is this program's: whoever uses the
/// library chooses for themselves.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
