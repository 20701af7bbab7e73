//! The `tailmint` command: parses, calls the libraries, prints. Every word and hint that a
//! person reads is said here, or by an error.

mod arguments;
mod aside;
mod audit_report;
mod checksums;
mod command;
mod credential_means;
mod environment_file;
mod excerpt;
mod failure;
#[cfg(all(feature = "failpoints", target_os = "linux"))]
mod forbidden_acts;
mod hints;
mod identity_flags;
mod key_flags;
mod limits;
mod new_files;
mod new_identity_flags;
mod print;
mod run;
mod session;
mod signals;
mod spinner;
mod start;
mod stray_warnings;
mod trace;

use std::process::ExitCode;

/// With musl's own allocator a mint takes a millisecond more. Only the program sets it:
/// users of the library choose their own.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    run::main()
}
