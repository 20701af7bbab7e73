//! The `tailmint` command.

mod cli;

use std::process::ExitCode;

/// The one of musl is slow and the one thing of it that is. Nothing but this program is
/// changed by it: whoever has the library chooses for themselves.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::main()
}
