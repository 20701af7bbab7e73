//! What is done when a signal comes: one table for all of Linux's, and those that other
//! systems have besides.
//!
//! A signal that is ignored when the command starts, as SIGHUP is under `nohup` and SIGINT
//! is in the background of a script, stays ignored.

use std::{
    mem::zeroed,
    os::unix::process::CommandExt,
    process::Command,
    ptr::null_mut,
    sync::atomic::{AtomicU64, Ordering},
};

use libc::{SIG_DFL, SIG_IGN, c_int};
use rustix::time::{ClockId, clock_gettime};
use tailmint::Interrupt;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    failure::Failure,
    limits::LIMITS_HINT,
    start::{self, LAST_SIGNAL},
};

/// What is done when a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// The first one asks the command to undo what it did, the second one ends it as it is.
    End,
    /// Nothing: what it would end may have a key on its way.
    Ignore,
    /// What the system does.
    Leave,
}

/// The table.
fn action(signal: c_int) -> Action {
    match signal {
        // Somebody wants it to end: the terminal, a person, a service manager.
        libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => Action::End,
        #[cfg(target_os = "linux")]
        libc::SIGPWR => Action::End,
        // A time is over that was set before the command was started: a limit, or a timer,
        // both of which stay across `exec`.
        libc::SIGXCPU | libc::SIGALRM | libc::SIGVTALRM | libc::SIGPROF => Action::End,
        // The write or the call fails, which is told.
        libc::SIGPIPE | libc::SIGXFSZ => Action::Ignore,
        // They mean nothing here.
        libc::SIGUSR1 | libc::SIGUSR2 | libc::SIGIO => Action::Ignore,
        #[cfg(target_os = "linux")]
        libc::SIGSTKFLT => Action::Ignore,
        // Nobody can change them.
        libc::SIGKILL | libc::SIGSTOP => Action::Leave,
        // The shell stops and continues its jobs.
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | libc::SIGCONT => Action::Leave,
        // They do nothing, or the runtime waits for them.
        libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH => Action::Leave,
        // A fault, after which nothing that this process does can be relied on.
        libc::SIGILL
        | libc::SIGTRAP
        | libc::SIGABRT
        | libc::SIGBUS
        | libc::SIGFPE
        | libc::SIGSEGV
        | libc::SIGSYS => Action::Leave,
        #[cfg(target_os = "linux")]
        realtime if realtime >= libc::SIGRTMIN() => Action::Ignore,
        // The C library's own, which it lets nobody change.
        _ => Action::Leave,
    }
}

/// The first signal that came and when, in milliseconds: `time << 8 | number`; 0 for none.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// What comes so soon after the first is the same: `timeout` and a terminal that closes
/// send theirs twice, to the process and to its group.
const SAME_MILLISECONDS: u64 = 100;

/// The signals that end a command, from the moment that it listens.
#[derive(Clone, Copy)]
pub(super) struct Signals(());

impl Signals {
    /// Raises the interrupt when one comes.
    pub(super) fn raise(interrupt: &Interrupt) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("signals cannot be listened to: {error}");
            Failure::machine(&message, LIMITS_HINT)
        };
        for number in with(Action::End) {
            // The runtime calls this one too, after its own.
            handle(number, came);
            let mut coming = signal(SignalKind::from_raw(number)).map_err(failed)?;
            let interrupt = interrupt.clone();
            tokio::spawn(async move {
                while coming.recv().await.is_some() {
                    interrupt.raise();
                }
            });
        }
        Ok(Self(()))
    }

    /// The exit status for the signal that came, if one did.
    #[expect(clippy::unused_self, reason = "only what listens has heard of one")]
    pub(super) fn exit_code(self) -> Option<u8> {
        exit_code()
    }

    /// Has signals end this process as they will end the command that it becomes.
    #[expect(clippy::unused_self, reason = "only what listens can stop")]
    pub(super) fn leave(self) -> Left {
        let all = (1..=LAST_SIGNAL).filter(|number| action(*number) == Action::End);
        let handled = all.filter(|number| !is(*number, SIG_DFL) && !is(*number, SIG_IGN));
        Left(handled.map(|number| (number, set(number, None))).collect())
    }
}

/// What was done when signals came, before they were left alone.
pub(super) struct Left(Vec<(c_int, libc::sigaction)>);

impl Left {
    /// Listens as before.
    pub(super) fn listen(self) {
        for (number, action) in self.0 {
            set(number, Some(&action));
        }
    }
}

/// The exit status for the signal that came while the command listened, if one did.
pub(super) fn exit_code() -> Option<u8> {
    match FIRST.load(Ordering::Relaxed) {
        0 => None,
        first => Some(128 | (first & 0x7f) as u8),
    }
}

/// Ignores what is to be ignored. A handler does it, which a command that is executed does
/// not inherit.
pub(super) fn ignore() {
    for number in with(Action::Ignore) {
        handle(number, nothing);
    }
}

/// Gives the command that this process becomes the signals that this process was given. The
/// standard library lets SIGPIPE end it and unblocks what was blocked.
#[expect(
    unsafe_code,
    reason = "what runs before the command calls the system, and neither allocates nor panics"
)]
pub(super) fn pass_on(command: &mut Command) -> &mut Command {
    // SAFETY: see above.
    unsafe {
        command.pre_exec(|| {
            as_at_start();
            Ok(())
        })
    }
}

#[expect(
    unsafe_code,
    reason = "the C library reads and writes sets that are whole"
)]
fn as_at_start() {
    // SAFETY: all zeroes are a value of a set, and no handler is set.
    unsafe {
        if start::ignored(libc::SIGPIPE) {
            libc::signal(libc::SIGPIPE, SIG_IGN);
        }
        let mut mask: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut mask);
        for number in (1..=LAST_SIGNAL).filter(|number| start::blocked(*number)) {
            libc::sigaddset(&raw mut mask, number);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, null_mut());
    }
}

/// The signals with this action that nobody ignores or handles.
fn with(wanted: Action) -> impl Iterator<Item = c_int> {
    (1..=LAST_SIGNAL).filter(move |number| action(*number) == wanted && is(*number, SIG_DFL))
}

fn is(number: c_int, disposition: libc::sighandler_t) -> bool {
    start::disposition(number) == Some(disposition)
}

#[expect(
    unsafe_code,
    reason = "handlers are set that do what a handler may: atomics, the clock, and _exit"
)]
fn handle(number: c_int, handler: extern "C" fn(c_int)) {
    // SAFETY: all zeroes are a value of it.
    let mut action: libc::sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    set(number, Some(&action));
}

/// Sets what happens when the signal comes, by default what the system does; what happened
/// before.
#[expect(
    unsafe_code,
    reason = "the C library reads and writes values that are whole"
)]
fn set(number: c_int, action: Option<&libc::sigaction>) -> libc::sigaction {
    // SAFETY: all zeroes are a value of it, with the system's own handling.
    unsafe {
        let default: libc::sigaction = zeroed();
        let mut before: libc::sigaction = zeroed();
        libc::sigaction(number, action.unwrap_or(&default), &raw mut before);
        before
    }
}

extern "C" fn nothing(_: c_int) {}

/// Notes the first one. The second one ends the process even where it waits for something
/// that cannot be interrupted.
extern "C" fn came(number: c_int) {
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000;
    let this = now << 8 | u64::from(number.unsigned_abs());
    if let Err(first) = FIRST.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed)
        && now.saturating_sub(first >> 8) >= SAME_MILLISECONDS
    {
        end(128 | number);
    }
}

#[expect(
    unsafe_code,
    reason = "a handler may end the process this way and no other"
)]
fn end(status: c_int) -> ! {
    // SAFETY: it takes any status.
    unsafe { libc::_exit(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the system does of itself, by signal(7): it ends the process, with a core dump
    /// or without one.
    const ENDING: &[c_int] = &[
        libc::SIGABRT,
        libc::SIGALRM,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGHUP,
        libc::SIGILL,
        libc::SIGINT,
        libc::SIGIO,
        libc::SIGKILL,
        libc::SIGPIPE,
        libc::SIGPROF,
        libc::SIGPWR,
        libc::SIGQUIT,
        libc::SIGSEGV,
        libc::SIGSTKFLT,
        libc::SIGSYS,
        libc::SIGTERM,
        libc::SIGTRAP,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGVTALRM,
        libc::SIGXCPU,
        libc::SIGXFSZ,
    ];

    /// Those that end the process and cannot be helped.
    const FATAL: &[c_int] = &[
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGKILL,
        libc::SIGSEGV,
        libc::SIGSYS,
        libc::SIGTRAP,
    ];

    #[test]
    fn no_signal_but_a_fault_ends_a_command_between_request_and_response() {
        for number in 1..=31 {
            let ends = ENDING.contains(&number) && !FATAL.contains(&number);
            let is_left = action(number) == Action::Leave;
            assert_eq!(is_left, !ends, "signal {number}");
        }
        for number in libc::SIGRTMIN()..=libc::SIGRTMAX() {
            assert_eq!(action(number), Action::Ignore, "signal {number}");
        }
    }
}
