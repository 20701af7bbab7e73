//! tailmint as a secrets engine of `HashiCorp` Vault and `OpenBao`: Vault starts this program
//! from its directory of plugins and speaks gRPC with it, and this speaks Tailscale's API,
//! in tailmint's sandbox, under the policy of the machine's owner.

mod arguments;
mod backend;
mod broker;
mod connection;
mod handshake;
mod log;
mod mount;
mod p521_signatures;
mod plugin;
mod proto;
mod run;
#[cfg(test)]
mod stand_in;
mod tls;
mod vault;

use std::process::ExitCode;

/// Musl's own allocator is slow, and this program serves many at once.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    run::main()
}
