//! What a command takes of the machine, asked for before anything is sent: what is missing
//! in the middle of a mint would end it there, and the libraries below panic without it.

use std::io;

use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, getrlimit},
    stdio::stderr,
};

use super::failure::Failure;

/// What to do where the system gives something that was not asked for before.
pub(super) const LIMITS_HINT: &str = "see what the system allows this process: ulimit -a";

/// A mint has ten files open at a time, for itself, its connection and the audit log; a
/// third more is for what the system opens, to look up a name.
const FILES: usize = 16;

/// Parsing the command line is what takes the most: 400 KiB where it is not optimised.
const STACK_BYTES: u64 = 1024 * 1024;

/// The program, the component's memory of 32 MiB and the host's own.
const ADDRESS_BYTES: u64 = 256 * 1024 * 1024;

/// Whether the stack is large enough to parse the command line.
pub(super) fn for_the_stack() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Stack).current;
    at_least(limit, STACK_BYTES, "stack", "ulimit -s")
}

/// Whether there is room for a run of the component.
pub(super) fn for_a_run() -> Result<(), Failure> {
    let limit = getrlimit(Resource::As).current;
    at_least(limit, ADDRESS_BYTES, "address space", "ulimit -v")?;
    let output = stderr();
    let opened: Result<Vec<_>, _> = (0..FILES).map(|_| fcntl_dupfd_cloexec(output, 0)).collect();
    opened.map(drop).map_err(|error| {
        let error = io::Error::from(error);
        Failure::machine(
            &format!("there is no room for {FILES} more open files: {error}"),
            "let it open more: ulimit -n 256",
        )
    })
}

fn at_least(limit: Option<u64>, needed: u64, what: &str, command: &str) -> Result<(), Failure> {
    match limit {
        Some(limit) if limit < needed => {
            let (limit, needed) = (limit / 1024, needed / 1024);
            Err(Failure::machine(
                &format!("the limit of its {what} is {limit} KiB, and tailmint needs {needed}"),
                &format!("raise it: {command} {needed}"),
            ))
        }
        _ => Ok(()),
    }
}

/// Whether another thread can be started. Libraries panic where it cannot.
pub(super) fn has_thread() -> bool {
    let started = std::thread::Builder::new().spawn(|| ());
    started.is_ok_and(|thread| thread.join().is_ok())
}
