//! What a process that speaks to the network can still do to the machine: with the kernel's
//! own words, where it can take that away, and where it cannot.
#![cfg(target_os = "linux")]

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::net::UnixListener,
    path::Path,
};

use insta::assert_snapshot;

use crate::{case::Case, ran::Ran, world::World};

/// Has the kernel not know these calls, as an older one would, for what it starts: the
/// numbers before `--` (seccomp(2)).
const WITHOUT_CALLS: &str = r#"
    my @calls;
    while ((my $call = shift @ARGV) ne "--") { push @calls, $call }
    my $code = pack("SCCL", 0x20, 0, 0, 0);
    $code .= pack("SCCL", 0x15, 0, 1, $_) . pack("SCCL", 0x06, 0, 0, 0x50000 | 38) for @calls;
    $code .= pack("SCCL", 0x06, 0, 0, 0x7fff0000);
    my $program = pack("S x6 P", 2 + 2 * @calls, $code);
    my $prctl = (POSIX::uname())[4] eq "x86_64" ? 157 : 167;
    syscall($prctl, 38, 1, 0, 0, 0) == 0 or exit 77;
    syscall($prctl, 22, 2, $program, 0, 0) == 0 or exit 77;
    exec @ARGV;
"#;

/// All calls of Landlock.
const LANDLOCK: [&str; 3] = ["444", "445", "446"];

const SECCOMP: &str = if cfg!(target_arch = "x86_64") {
    "317"
} else {
    "277"
};

fn without<'a>(case: Case<'a>, calls: &[&str]) -> Case<'a> {
    let arguments = [&["-MPOSIX", "-e", WITHOUT_CALLS], calls, &["--"]].concat();
    case.started_by("perl", &arguments)
}

/// What somebody else has on the machine.
struct Others {
    directory: tempfile::TempDir,
    listener: TcpListener,
    _socket: UnixListener,
}

impl Others {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("own"), "mine\n").unwrap();
        let socket = UnixListener::bind(directory.path().join("socket")).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self {
            directory,
            listener,
            _socket: socket,
        }
    }

    /// Where the acts are tried.
    fn place(&self) -> String {
        let port = self.listener.local_addr().unwrap().port();
        format!("{} {port}", self.directory.path().display())
    }

    fn are_as_before(&self) -> bool {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let own = fs::read_to_string(self.directory.path().join("own"));
        names.count() == 2
            && own.unwrap() == "mine\n"
            && !Path::new("/tmp/tailmint-forbidden").exists()
    }
}

/// Whether the kernel has all limits: Landlock as of Linux 6.12, and seccomp.
fn is_whole(world: &World) -> bool {
    let ran = world.run(&["check"]);
    let has_all = ran.stdout.contains(WHOLE);
    if !has_all {
        println!("skipped: it takes Linux 6.12 with Landlock");
    }
    has_all
}

const WHOLE: &str = "the kernel limits files, TCP ports, signals and system calls";

#[test]
fn what_is_forbidden_is_denied_by_the_kernel_and_a_key_is_minted() {
    let (world, others) = (World::new(), Others::new());
    if !is_whole(&world) {
        return;
    }
    let place = others.place();
    let points = format!("unconfined=return({place});confined=return({place})");
    let ran = world.tailmint(&["mint"]).env("FAILPOINTS", points).run();
    assert_eq!(
        (ran.code, world.simulator.live_keys().len()),
        (0, 1),
        "{ran}"
    );
    assert_snapshot!(ran.stderr, @"
    read a file of the user's: done
    open it to be written: done
    list a directory: done
    read /etc/passwd: done
    read the parent's environment: done
    connect to another TCP port: done
    listen on a TCP port: done
    connect to a socket by its path: done
    use an abstract socket: done
    signal the parent: done
    use a netlink socket: done
    hold the parent by a descriptor: done
    read a file of the user's: Permission denied (os error 13)
    open it to be written: Permission denied (os error 13)
    list a directory: Permission denied (os error 13)
    read /etc/passwd: Permission denied (os error 13)
    read the parent's environment: Permission denied (os error 13)
    connect to another TCP port: Permission denied (os error 13)
    listen on a TCP port: Permission denied (os error 13)
    connect to a socket by its path: Operation not permitted (os error 1)
    use an abstract socket: Operation not permitted (os error 1)
    signal the parent: Operation not permitted (os error 1)
    use a netlink socket: Operation not permitted (os error 1)
    hold the parent by a descriptor: Operation not permitted (os error 1)
    write over a file: Permission denied (os error 13)
    cut a file: Operation not permitted (os error 1)
    create a file beside it: Permission denied (os error 13)
    create a file in /tmp: Permission denied (os error 13)
    remove a file: Permission denied (os error 13)
    rename a file: Permission denied (os error 13)
    let others read a file: Operation not permitted (os error 1)
    listen without a port: Operation not permitted (os error 1)
    connect by multipath TCP: Operation not permitted (os error 1)
    connect with the first bytes: Operation not permitted (os error 1)
    execute a program: Operation not permitted (os error 1)
    execute a file in memory: Operation not permitted (os error 1)
    make another process: Operation not permitted (os error 1)
    make another process by clone3: Function not implemented (os error 38)
    trace the parent: Operation not permitted (os error 1)
    read the parent's memory: Operation not permitted (os error 1)
    limit the parent: Operation not permitted (os error 1)
    use a raw socket: Operation not permitted (os error 1)
    use a packet socket: Operation not permitted (os error 1)
    take an interface down: Operation not permitted (os error 1)
    read a message of other programs: Operation not permitted (os error 1)
    make a user namespace: Operation not permitted (os error 1)
    make a network namespace: Operation not permitted (os error 1)
    make a mount namespace: Operation not permitted (os error 1)
    enter a namespace: Operation not permitted (os error 1)
    mount a file system: Operation not permitted (os error 1)
    change the root: Operation not permitted (os error 1)
    change the user: Operation not permitted (os error 1)
    open a file by its handle: Operation not permitted (os error 1)
    set up an io_uring: Operation not permitted (os error 1)
    load a BPF program: Operation not permitted (os error 1)
    use the kernel's keys: Operation not permitted (os error 1)
    count the kernel's events: Operation not permitted (os error 1)
    load a kernel module: Operation not permitted (os error 1)
    type into the terminal: Operation not permitted (os error 1)
    ");
    assert!(others.are_as_before());
}

#[test]
fn without_landlock_a_key_is_minted_and_what_is_missing_is_said() {
    let world = World::new();
    let case = world.tailmint(&["-v", "mint"]);
    let ran = without(case, &LANDLOCK).run();
    assert_snapshot!(confined(&ran), @"confined: the kernel limits system calls, and not files, TCP ports and signals (that takes Landlock as of Linux 6.12)");
    assert_eq!(
        (ran.code, world.simulator.live_keys().len()),
        (0, 1),
        "{ran}"
    );
}

#[test]
fn where_the_kernel_limits_nothing_a_key_is_minted_and_that_is_said() {
    let world = World::new();
    let case = world.tailmint(&["-v", "mint"]);
    let ran = without(case, &[&LANDLOCK[..], &[SECCOMP]].concat()).run();
    assert_snapshot!(confined(&ran), @"confined: the kernel limits nothing, and not files, TCP ports, signals and system calls (that takes Landlock as of Linux 6.12 and seccomp)");
    assert_eq!(
        (ran.code, world.simulator.live_keys().len()),
        (0, 1),
        "{ran}"
    );
}

/// What `--verbose` says of it.
fn confined(ran: &Ran) -> String {
    let mut lines = ran.stderr.lines();
    let said = lines.find(|line| line.starts_with("confined") || line.starts_with("not confined"));
    said.unwrap_or_default().to_owned()
}

#[test]
fn where_the_policy_requires_it_nothing_is_sent_without() {
    let world = World::new();
    world.policy("version = 1\nconfinement = \"required\"\n");
    let ran = without(world.tailmint(&["mint"]), &LANDLOCK).run();
    assert_snapshot!(ran, @r#"
    exit status: 11
    --- stderr
    error: the policy requires that this process is confined, and the kernel does not limit its files
    hint: run it on Linux 6.7 or newer, with Landlock and seccomp, or set confinement to "best-effort" in the policy
    "#);
    let ran = without(world.tailmint(&["mint"]), &[SECCOMP]).run();
    assert_snapshot!(ran, @r#"
    exit status: 11
    --- stderr
    error: the policy requires that this process is confined, and the kernel does not limit its system calls
    hint: run it on Linux 6.7 or newer, with Landlock and seccomp, or set confinement to "best-effort" in the policy
    "#);
    let ran = without(world.tailmint(&["check"]), &LANDLOCK).run();
    let said = ran
        .stdout
        .lines()
        .filter(|line| line.contains(" confinement: "));
    assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @"failed confinement: the policy requires that this process is confined, and the kernel does not limit its files");
    // What starts a program once it has connected is not confined.
    let ran = world.as_owner(&["clients", "create", "--systemd"]).run();
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the policy requires that this process is confined, and it starts systemd-creds, which could do nothing then
    hint: leave --systemd out, and then run: tailmint clients encrypt
    ");
    let ran = world.run(&["exec", "--", "true"]);
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the policy requires that this process is confined, and it starts the command, which could do nothing then
    hint: mint a key and hand it over: TS_AUTHKEY=$(tailmint mint) COMMAND
    ");
    let ran = world.run(&["up", "--ssh", "host"]);
    assert_snapshot!(ran, @"
    exit status: 11
    --- stderr
    error: the policy requires that this process is confined, and it starts ssh, which could do nothing then
    hint: mint a key and hand it over: tailmint mint --single-use | ssh HOST tailscale up --auth-key=file:/dev/stdin
    ");
    assert_eq!(world.simulator.connections(), 0);
    // This kernel has it.
    let ran = world.run(&["mint"]);
    assert_eq!(
        (ran.code, world.simulator.live_keys().len()),
        (0, 1),
        "{ran}"
    );
}

#[test]
fn how_far_each_command_is_confined_is_said() {
    let world = World::new();
    if !is_whole(&world) {
        return;
    }
    let said = |case: Case<'_>| confined(&case.arg("-v").run());
    for command in [
        &["mint"][..],
        &["keys", "list"],
        &["clients", "list"],
        &["identities", "list"],
    ] {
        let whole = format!("confined: {WHOLE}");
        assert_eq!(said(world.as_owner(command)), whole, "{command:?}");
    }
    let ran = world.run(&["-v", "exec", "--", "true"]);
    assert_snapshot!(confined(&ran), @"not confined: the command is started by this process");
}
