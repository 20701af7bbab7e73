//! Runs the command that was given.

use std::{panic::PanicHookInfo, process::ExitCode};

use clap::Parser;
use tailmint::Class;
use tailmint_api::{OutsideText, without_keys};

use crate::{
    arguments::{Arguments, Command},
    aside::aside,
    command,
    failure::Failure,
    limits::{self, LIMITS_HINT},
    print, signals,
};

pub(crate) fn main() -> ExitCode {
    leave_no_core();
    signals::ignore();
    std::panic::set_hook(Box::new(panicked));
    if let Err(failure) = limits::for_the_stack() {
        return failure.report(wants_json());
    }
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && wants_json() => return usage(&error).report(true),
        Err(error) => return help_or_usage(&error),
    };
    arguments.global.color.write_global();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(arguments.global.json),
    }
}

/// A core dump would have the secrets in it.
#[cfg(target_os = "linux")]
fn leave_no_core() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// The same where a process cannot say that of itself: its cores are empty. A command that
/// it becomes may have larger ones again.
#[cfg(not(target_os = "linux"))]
fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let none = Rlimit {
        current: Some(0),
        maximum,
    };
    setrlimit(Resource::Core, none).ok();
}

/// Prints what clap has to say: help, or what is wrong with the command line. A secret that
/// was given in the wrong place is not repeated.
fn help_or_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        aside(&text);
        return ExitCode::from(Class::Usage.exit_status());
    }
    match print::styled(text.trim_end_matches('\n')) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(wants_json()),
    }
}

/// Tells of a panic as of any other error: nothing above this ends it.
fn panicked(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or("no reason is given");
    let at = panic.location().map(ToString::to_string);
    let at = at.unwrap_or_default();
    Failure::internal(&format!("a panic at {at}: {}", OutsideText::new(said))).report(wants_json());
    std::process::exit(Class::Internal.exit_status().into());
}

/// Whether errors are to be JSON, by a command line that cannot be parsed.
fn wants_json() -> bool {
    let mut own = std::env::args_os().take_while(|argument| argument != "--");
    own.any(|argument| argument.as_encoded_bytes().starts_with(b"--json"))
}

/// The error of clap as one of ours: its first line says what is wrong.
fn usage(error: &clap::Error) -> Failure {
    let text = without_keys(&error.to_string());
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let message = lines.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    Failure::new(
        Class::Usage,
        message,
        Some("see: tailmint --help".to_owned()),
    )
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
        Command::Identities(identities) => wait(command::identities(global, identities)),
        Command::Keys(keys) => wait(command::keys(global, keys)),
        Command::Audit(audit) => command::audit(global, audit),
        Command::Capabilities => command::capabilities(global),
        Command::Component(component) => command::component(global, component),
        Command::Policy(policy) => command::policy(global, policy),
        Command::Service(service) => command::service(global, service),
        Command::Vault(vault) => wait(command::vault(global, vault)),
        #[cfg(feature = "demo")]
        Command::Demo => wait(command::demo()),
        Command::Completions { shell } => command::completions(*shell),
        Command::Man(man) => command::man(man),
    }
}

/// Runs on this thread alone: there is never more than one thing to do.
fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    limits::for_a_run()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::machine(&format!("the runtime does not start: {error}"), LIMITS_HINT)
        })?
        .block_on(work)
}
