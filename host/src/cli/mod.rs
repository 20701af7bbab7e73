//! The command line: parses, calls the library, prints.

mod arguments;
mod checksums;
mod command;
mod failure;
mod key_flags;
mod new_files;
mod print;
mod session;
mod signals;
mod spinner;
mod trace;

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use arguments::{Arguments, Command};
use failure::Failure;

pub(crate) fn main() -> ExitCode {
    // A core dump would have the secrets in it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let arguments = Arguments::parse();
    arguments.global.color.write_global();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(arguments.global.json),
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Mint(mint) => wait(command::mint(global, mint)),
        Command::Env(env) => wait(command::env(global, env)),
        Command::Exec(exec) => wait(command::exec(global, exec)),
        Command::Up(up) => wait(command::up(global, up)),
        Command::Check(check) => wait(command::check(global, check)),
        Command::Clients(clients) => wait(command::clients(global, clients)),
        Command::Keys(keys) => wait(command::keys(global, keys)),
        Command::Audit(audit) => command::audit(global, audit),
        Command::Component(component) => command::component(global, component),
        Command::Policy(policy) => command::policy(global, policy),
        Command::Vault(vault) => wait(command::vault(global, vault)),
        Command::Demo => wait(command::demo()),
        Command::Completions { shell } => command::completions(*shell),
        Command::Man => command::man(),
    }
}

/// Runs on this thread alone: there is never more than one thing to do.
fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(&format!("the runtime does not start: {error}")))?
        .block_on(work)
}
