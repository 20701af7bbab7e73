//! Every signal, at every stage of what creates a key or a client.

use std::{
    fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, Command},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use libc::c_int;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Resource, Rlimit, prlimit},
};
use tailmint_simulator::{Endpoint, Fault, Greeting};

use crate::{
    case::Case, clients::described, interrupted::wait_until, ran::Ran, stand_in::StandIn,
    world::World,
};

/// Those that end the command, and have it undo what it did.
const POLITE: &[c_int] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGXCPU,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGPWR,
];

/// Those that end the process without a word.
const DEADLY: &[c_int] = &[libc::SIGKILL, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

/// Those after which a process that did nothing wrong may go on.
const FAULTS: &[c_int] = &[libc::SIGILL, libc::SIGBUS, libc::SIGFPE, libc::SIGSEGV];

/// Those that stop it until it is continued.
const STOPPING: &[c_int] = &[libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Some of those that do nothing.
const WITHOUT_EFFECT: &[c_int] = &[libc::SIGUSR1, libc::SIGPIPE, libc::SIGXFSZ, 64];

/// How the command is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Normally,
    /// SIGHUP is ignored.
    UnderNohup,
    /// As a shell without job control does with `&`: SIGINT and SIGQUIT are ignored.
    InTheBackground,
}

impl Start {
    fn of(self, case: Case<'_>) -> Case<'_> {
        let ignored = match self {
            Self::Normally => return case,
            Self::UnderNohup => "HUP",
            Self::InTheBackground => "INT QUIT",
        };
        let script = format!(r#"trap "" {ignored}; exec "$@""#);
        case.started_by("sh", &["-c", &script, "sh"])
    }

    fn ignores(self, signal: c_int) -> bool {
        match self {
            Self::Normally => false,
            Self::UnderNohup => signal == libc::SIGHUP,
            Self::InTheBackground => [libc::SIGINT, libc::SIGQUIT].contains(&signal),
        }
    }
}

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It is interrupted, and says so.
    Interrupted,
    /// It ends at once, or does as if nothing had come.
    Unsaid,
    /// It does as if nothing had come.
    None,
}

fn effect(start: Start, signal: c_int) -> Effect {
    if DEADLY.contains(&signal) || FAULTS.contains(&signal) {
        Effect::Unsaid
    } else if POLITE.contains(&signal) && !start.ignores(signal) {
        Effect::Interrupted
    } else {
        Effect::None
    }
}

/// Runs all rows, some at a time: they wait most of the time.
fn each<T: Copy + std::fmt::Debug + Send + Sync>(rows: &[T], run: impl Fn(T) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| run(*row))).is_err() {
                        failed.lock().unwrap().push(*row);
                    }
                }
            });
        }
    });
    assert!(failed.lock().unwrap().is_empty(), "{failed:?}");
}

/// Each with each.
fn rows<T: Copy>(stages: &[T], starts: &[Start], signals: &[c_int]) -> Vec<(T, Start, c_int)> {
    let mut rows = Vec::new();
    for stage in stages {
        for start in starts {
            rows.extend(signals.iter().map(|signal| (*stage, *start, *signal)));
        }
    }
    rows
}

/// Sends the signal, and continues what it stops.
fn send(child: &Child, signal: c_int) {
    let pid = child.id();
    let mut script = format!("kill -{signal} {pid}");
    if STOPPING.contains(&signal) {
        script += &format!("; sleep 0.1; kill -{} {pid}", libc::SIGCONT);
    }
    let sent = Command::new("sh").args(["-c", &script]).status().unwrap();
    assert!(sent.success());
}

fn keys(world: &World) -> (usize, usize) {
    let simulator = &world.simulator;
    (simulator.keys().len(), simulator.live_keys().len())
}

fn wait_for_requests(world: &World, count: usize) {
    wait_until("requests", || world.simulator.requests().len() >= count);
}

/// What is the same in all commands: the exit status, and what is said.
///
/// The signal and the response may be seen in either order, in other words.
fn check(world: &World, ran: &Ran, effect: Effect, signal: c_int) {
    let told = world.steady(&ran.stderr);
    let told = told.replace(" was created, and has been", " has been");
    let said = match keys(world) {
        (0, 0) => "error: interrupted\n",
        _ => "error: interrupted; key [key 1] has been revoked\n",
    };
    match effect {
        Effect::Interrupted => assert_eq!((ran.code, told.as_str()), (128 + signal, said)),
        Effect::None => assert_eq!((ran.code, told.as_str()), (0, "")),
        Effect::Unsaid if DEADLY.contains(&signal) => {
            assert_eq!((ran.code, told.as_str()), (128 + signal, ""));
        }
        Effect::Unsaid => assert!([0, 128 + signal].contains(&ran.code), "{ran:?}"),
    }
}

/// Where a mint is when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mint {
    /// No request was sent.
    Connecting,
    Token,
    Key,
    /// Nobody reads what is printed.
    Printing,
}

fn mint((stage, start, signal): (Mint, Start, c_int)) {
    let world = World::new();
    let effect = effect(start, signal);
    match stage {
        Mint::Connecting => world.simulator.greet(0, Greeting::Silence),
        Mint::Token => world.simulator.misbehave(Endpoint::Token, Fault::Hold, 1),
        Mint::Key => world.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1),
        Mint::Printing => {}
    }
    let case = start.of(world.tailmint(&["mint"]));
    if stage == Mint::Printing {
        let (reader, writer) = std::io::pipe().unwrap();
        fill(&writer);
        let child = case.stdout(writer).spawn();
        wait_until("the key", || keys(&world) == (1, 1));
        thread::sleep(Duration::from_millis(200));
        send(&child, signal);
        // Nobody reads where it is interrupted.
        let reader = if effect == Effect::Interrupted {
            Some(reader)
        } else {
            thread::spawn(move || std::io::copy(&mut &reader, &mut Vec::new()));
            None
        };
        let ran = world.finish(child);
        drop(reader);
        check(&world, &ran, effect, signal);
        let live = usize::from(effect != Effect::Interrupted);
        assert_eq!(keys(&world), (1, live), "{ran:?}");
        return;
    }
    let child = case.spawn();
    match stage {
        Mint::Connecting => wait_until("a connection", || world.simulator.connections() > 0),
        Mint::Token => wait_for_requests(&world, 1),
        _ => wait_for_requests(&world, 2),
    }
    send(&child, signal);
    // The token is not waited for any longer, the key is.
    if effect != Effect::Interrupted || stage == Mint::Key {
        world.simulator.go_on();
    }
    let ran = world.finish(child);
    check(&world, &ran, effect, signal);
    match effect {
        Effect::Interrupted => {
            assert_eq!(keys(&world), (usize::from(stage == Mint::Key), 0));
            assert_eq!(ran.stdout, "");
        }
        Effect::None => {
            let printed = ran.stdout.trim_end();
            assert_eq!(world.simulator.live_keys()[0].key, printed);
        }
        Effect::Unsaid => {}
    }
}

/// Fills the pipe, so that the next write to it waits.
fn fill(mut pipe: &std::io::PipeWriter) {
    loop {
        let mut ready = [PollFd::new(&pipe, PollFlags::OUT)];
        if poll(&mut ready, Some(&Timespec::default())).unwrap() == 0 {
            return;
        }
        pipe.write_all(&[b'x'; 4096]).unwrap();
    }
}

/// The first signal that no C library keeps for itself: the program's may be another than
/// that of these tests.
const REAL_TIME: i32 = 35;

#[test]
fn each_signal_while_the_key_is_waited_for() {
    let all: Vec<_> = (1..=31).chain([REAL_TIME, 50, 64]).collect();
    each(&rows(&[Mint::Key], &[Start::Normally], &all), mint);
}

#[test]
fn what_ends_a_mint_at_each_stage() {
    let stages = [Mint::Token, Mint::Printing];
    let signals = [POLITE, WITHOUT_EFFECT, &[libc::SIGKILL]].concat();
    let mut all = rows(&stages, &[Start::Normally], &signals);
    // The connection never comes about: only what ends it is of interest.
    let ending = [POLITE, &[libc::SIGKILL]].concat();
    all.extend(rows(&[Mint::Connecting], &[Start::Normally], &ending));
    each(&all, mint);
}

#[test]
fn what_is_ignored_at_the_start_stays_ignored() {
    let starts = [Start::UnderNohup, Start::InTheBackground];
    let signals = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGUSR1,
    ];
    each(&rows(&[Mint::Token, Mint::Key], &starts, &signals), mint);
}

#[test]
fn a_signal_while_the_key_for_a_command_is_waited_for() {
    let signals = [POLITE, WITHOUT_EFFECT, &[libc::SIGKILL]].concat();
    let mut all = rows(&[()], &[Start::Normally], &signals);
    let ignored = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];
    let starts = [Start::UnderNohup, Start::InTheBackground];
    all.extend(rows(&[()], &starts, &ignored));
    each(&all, |((), start, signal)| {
        let world = World::new();
        world.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1);
        let case = start.of(world.tailmint(&["exec", "--", "echo", "ran"]));
        let child = case.spawn();
        wait_for_requests(&world, 2);
        send(&child, signal);
        world.simulator.go_on();
        let ran = world.finish(child);
        let effect = effect(start, signal);
        check(&world, &ran, effect, signal);
        let printed = if effect == Effect::None { "ran\n" } else { "" };
        assert_eq!(ran.stdout, printed);
        if effect == Effect::Interrupted {
            assert_eq!(keys(&world), (1, 0));
        }
    });
}

/// Where `up` is when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Up {
    Key,
    /// `tailscale` has the key.
    Joining,
}

#[test]
fn a_signal_while_a_machine_joins() {
    let signals = [POLITE, &[libc::SIGUSR1, libc::SIGXFSZ]].concat();
    let mut all = rows(&[Up::Key, Up::Joining], &[Start::Normally], &signals);
    let ignored = [libc::SIGHUP, libc::SIGINT];
    let starts = [Start::UnderNohup, Start::InTheBackground];
    all.extend(rows(&[Up::Joining], &starts, &ignored));
    each(&all, |(stage, start, signal)| {
        let world = World::new();
        let stand_in = StandIn::new(&world, "NeedsLogin");
        let gate = world.path().join("gate");
        if stage == Up::Key {
            world.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1);
        } else {
            let gate = gate.display();
            stand_in.up(&format!(
                r#"touch {gate}.reached
                until [ -e {gate} ]; do sleep 0.05; done
                cp "$here/in.json" "$here/status.json""#
            ));
        }
        let case = world.tailmint(&["up", "--tailscale"]).arg(stand_in.path());
        let child = start.of(case).spawn();
        match stage {
            Up::Key => wait_for_requests(&world, 2),
            Up::Joining => {
                let reached = gate.with_extension("reached");
                wait_until("tailscale", || reached.exists());
            }
        }
        send(&child, signal);
        world.simulator.go_on();
        let effect = effect(start, signal);
        if effect == Effect::None {
            fs::write(&gate, "").unwrap();
        }
        let ran = world.finish(child);
        check(&world, &ran, effect, signal);
        assert_eq!(keys(&world), (1, usize::from(effect == Effect::None)));
    });
}

/// Which response of a rotation is waited for when the signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotation {
    Creation,
    /// That which shows that the new client works.
    Proof,
    Deletion,
}

#[test]
fn a_signal_while_a_client_is_rotated() {
    let signals = [POLITE, &[libc::SIGKILL, libc::SIGUSR1, libc::SIGXFSZ]].concat();
    let stages = [Rotation::Creation, Rotation::Proof, Rotation::Deletion];
    let mut all = rows(&stages, &[Start::Normally], &signals);
    let starts = [Start::UnderNohup, Start::InTheBackground];
    let ignored = [libc::SIGHUP, libc::SIGINT];
    all.extend(rows(&[Rotation::Creation], &starts, &ignored));
    each(&all, |(stage, start, signal)| {
        let world = World::with(&described());
        let before = world.simulator.clients().len();
        let (endpoint, method) = match stage {
            Rotation::Creation => (Endpoint::Keys, "POST /api/v2/tailnet/-/keys"),
            Rotation::Proof => (Endpoint::Token, "POST /api/v2/oauth/token"),
            Rotation::Deletion => (Endpoint::Key, "DELETE "),
        };
        world.simulator.misbehave(endpoint, Fault::Hold, 1);
        let child = start.of(world.as_owner(&["clients", "rotate"])).spawn();
        wait_until(method, || {
            world.lines().iter().any(|line| line.starts_with(method))
        });
        send(&child, signal);
        world.simulator.go_on();
        let ran = world.finish(child);
        match effect(start, signal) {
            // It goes forward once the files name the new client.
            Effect::Interrupted if stage == Rotation::Deletion => {
                assert!([0, 128 + signal].contains(&ran.code), "{ran}");
                assert_eq!(world.simulator.clients().len(), before, "{ran}");
            }
            Effect::Interrupted => {
                assert_eq!(ran.code, 128 + signal, "{ran}");
                assert!(ran.stderr.starts_with("error: interrupted"), "{ran}");
                assert_eq!(world.simulator.clients().len(), before, "{ran}");
            }
            Effect::None => {
                assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
                assert_eq!(world.simulator.clients().len(), before);
            }
            Effect::Unsaid => assert_eq!((ran.code, ran.stderr.as_str()), (137, "")),
        }
        assert_eq!(world.run(&["mint"]).code, 0, "{ran}");
    });
}

/// `timeout` and a terminal that closes send theirs to the process and to its group.
#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let world = World::new();
    world.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1);
    let child = world.tailmint(&["mint"]).spawn();
    wait_for_requests(&world, 2);
    let twice = format!("kill -TERM {0}; kill -TERM {0}", child.id());
    let sent = Command::new("sh").args(["-c", &twice]).status().unwrap();
    assert!(sent.success());
    world.simulator.go_on();
    let ran = world.finish(child);
    check(&world, &ran, Effect::Interrupted, libc::SIGTERM);
    assert_eq!(keys(&world), (1, 0));
}

/// What the command that has the key finds of signals is what it would find without
/// tailmint, which would not have been there.
#[test]
fn a_command_that_is_executed_has_the_signals_that_it_would_have_without() {
    let world = World::new();
    let look = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"];
    let starts = [
        "",
        "trap '' HUP",
        "trap '' INT QUIT",
        "trap '' PIPE USR1 XFSZ ALRM",
    ];
    for start in starts {
        let script = format!(r#"{start}; exec "$@""#)
            .trim_start_matches("; ")
            .to_owned();
        let mut without = Command::new("sh");
        without.args(["-c", &script, "sh"]).args(look);
        let stdout = String::from_utf8(without.output().unwrap().stdout).unwrap();
        let case = world.tailmint(&["exec", "--"]).args(&look);
        let ran = case.started_by("sh", &["-c", &script, "sh"]).run();
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(without_own(&ran.stdout), without_own(&stdout), "{start}");
    }
}

/// The masks without the signals that the C library keeps for itself. It changes them when
/// there is a second thread.
fn without_own(status: &str) -> Vec<(String, u64)> {
    let own: u64 = (32..REAL_TIME).map(|number| 1 << (number - 1)).sum();
    let lines = status.lines().map(|line| line.split_once(":\t").unwrap());
    lines
        .map(|(name, mask)| {
            let mask = u64::from_str_radix(mask, 16).unwrap();
            (name.to_owned(), mask & !own)
        })
        .collect()
}

/// The limit is set while it runs: at the start it would be told by the audit log.
#[test]
fn a_file_that_may_not_grow_between_request_and_response_is_told() {
    let world = World::new();
    world.simulator.misbehave(Endpoint::Keys, Fault::Hold, 1);
    let child = world.tailmint(&["mint"]).spawn();
    wait_for_requests(&world, 2);
    let limit = Rlimit {
        current: Some(0),
        maximum: None,
    };
    prlimit(Some(Pid::from_child(&child)), Resource::Fsize, limit).unwrap();
    world.simulator.go_on();
    let ran = world.finish(child);
    assert_ne!(ran.code, 0, "{ran}");
    assert!(ran.stderr.starts_with("error: "), "{ran}");
    assert!(ran.stderr.contains("File too large"), "{ran}");
    assert!(ran.stdout.is_empty());
    // What cannot be written down is not sent: a key that is not revoked is named.
    assert!(
        keys(&world).1 == 0
            || ran
                .to_string()
                .contains("revoke it: tailmint keys revoke [key 1]")
    );
}
