//! Entries that are sent to the programs that keep the logs of a system: to a real syslog
//! daemon and a real journal, and to one that hangs.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tailmint_audit::{Verification, follow_lines};

use crate::{
    installed::is_installed,
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const JOURNALD: &str = "/lib/systemd/systemd-journald";

/// Programs of the system write a line within a second.
const LIMIT: Duration = Duration::from_secs(20);

fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Has its log shipped.
fn configure(world: &World, to: &str, socket: &Path) {
    let socket = socket.display();
    world.config(&format!(
        "[audit]\nship = \"{to}\"\nship-socket = \"{socket}\"\n"
    ));
}

fn audit(world: &World, arguments: &[&str]) -> Ran {
    world.run(&[&["audit"], arguments].concat())
}

fn mint(world: &World) {
    let ran = world.run(&["mint"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

fn text(world: &World) -> String {
    fs::read_to_string(world.path().join(".local/state/tailmint/audit.jsonl")).unwrap()
}

/// Follows the chain through what was shipped.
fn chain(text: &str) -> Verification {
    follow_lines(text.as_bytes(), |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    /// A syslog daemon that writes what it is told by whom, and the text of it.
    fn syslog(directory: &Path) -> Self {
        let place = |name: &str| directory.join(name).display().to_string();
        let config = format!(
            r#"global(workDirectory="{}")
module(load="imuxsock" SysSock.Name="{}" SysSock.UseSpecialParser="off" SysSock.RateLimit.Interval="0")
template(name="as-it-came" type="list") {{
  property(name="syslogfacility-text") constant(value=" ")
  property(name="syslogseverity-text") constant(value=" ")
  property(name="app-name") constant(value=" ")
  property(name="msgid") constant(value=" ")
  property(name="msg" position.from="1") constant(value="\n")
}}
*.* action(type="omfile" file="{}" template="as-it-came")
"#,
            directory.display(),
            place("log.socket"),
            place("written"),
        );
        fs::write(directory.join("rsyslog.conf"), config).unwrap();
        let daemon = Command::new(RSYSLOGD)
            .args(["-n", "-f", &place("rsyslog.conf"), "-i", &place("pid")])
            .spawn()
            .unwrap();
        let socket = directory.join("log.socket");
        wait_until("rsyslogd listens", || socket.exists());
        Self(daemon)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Ends it as an administrator does.
    fn stop(mut self) {
        self.signal(Signal::TERM);
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What the syslog daemon has written of tailmint, each line without what is before it.
fn written(directory: &Path) -> String {
    let text = fs::read_to_string(directory.join("written")).unwrap_or_default();
    let lines = text.lines().filter(|line| line.contains(" tailmint "));
    let messages = lines.filter_map(|line| line.split_once(" {"));
    let messages: Vec<_> = messages.map(|(_, json)| format!("{{{json}\n")).collect();
    messages.concat()
}

fn has_rsyslogd() -> bool {
    is_installed(
        Path::new(RSYSLOGD).exists(),
        "rsyslogd",
        "what is shipped to syslog",
    )
}

/// A log whose first four lines a daemon of syslog has, what that writes in, and the daemon.
fn minted_to_syslog() -> (World, PathBuf, Daemon) {
    let world = World::new();
    let directory = world.path().join("syslog");
    fs::create_dir(&directory).unwrap();
    configure(&world, "syslog", &directory.join("log.socket"));
    let daemon = Daemon::syslog(&directory);
    mint(&world);
    wait_until("four lines", || written(&directory).lines().count() == 4);
    (world, directory, daemon)
}

#[test]
fn a_syslog_daemon_has_every_line_though_it_is_started_anew() {
    if !has_rsyslogd() {
        return;
    }
    let (world, directory, daemon) = minted_to_syslog();
    assert_eq!(written(&directory), text(&world));
    let header = fs::read_to_string(directory.join("written")).unwrap();
    let of_tailmint = header
        .lines()
        .find(|line| line.contains(" tailmint "))
        .unwrap();
    assert!(
        of_tailmint.starts_with("authpriv info tailmint decision "),
        "{of_tailmint}"
    );
    // While it is away, entries are written and nothing fails; that is said.
    daemon.stop();
    let ran = world.run(&["mint"]);
    assert_eq!(ran.code, 0);
    let said = "warning: what is written to the log is not shipped yet: ";
    assert_eq!(ran.stderr.matches(said).count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let ran = audit(&world, &["ship"]);
    assert_eq!(ran.code, 11, "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: what was written is in the file; once that program takes entries, run: tailmint audit ship\n"), "{}", ran.stderr);
    // Once it is there, what it has missed comes with the next entry.
    let daemon = Daemon::syslog(&directory);
    mint(&world);
    wait_until("twelve lines", || written(&directory).lines().count() == 12);
    daemon.stop();
    assert_eq!(world.run(&["mint"]).code, 0);
    let _daemon = Daemon::syslog(&directory);
    // Or when somebody asks for it.
    assert_snapshot!(audit(&world, &["ship"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: 4 entries shipped
    ");
    assert_snapshot!(audit(&world, &["ship"]), @"
    exit status: 0
    --- stdout
    [dir]/.local/state/tailmint/audit.jsonl: 0 entries shipped
    ");
    wait_until("16 lines", || written(&directory).lines().count() == 16);
    assert_eq!(written(&directory), text(&world));
    assert!(chain(&written(&directory)).is_whole());
}

/// So many mints are timed.
const MINTS: usize = 5;

/// How long the quickest of them takes.
fn quickest_mint(world: &World) -> Duration {
    let timed = (0..MINTS).map(|_| {
        let begun = Instant::now();
        assert_eq!(world.run(&["mint"]).code, 0);
        begun.elapsed()
    });
    timed.min().unwrap()
}

#[test]
fn a_syslog_daemon_that_hangs_blocks_nothing_and_gets_all_later() {
    if !has_rsyslogd() {
        return;
    }
    let (world, directory, daemon) = minted_to_syslog();
    daemon.signal(Signal::STOP);
    let mut is_full = false;
    let mut mints = 1;
    // Until its buffer is full, and then some.
    for _ in 0..300 {
        let ran = world.run(&["mint"]);
        mints += 1;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        is_full = ran
            .stderr
            .contains("the program that keeps the logs takes nothing");
        if is_full {
            break;
        }
    }
    assert!(is_full, "its buffer was never full");
    // A run waits for it for 50 ms, and not for each of its lines; the rest is the machine's.
    let quickest = quickest_mint(&world);
    mints += MINTS;
    let unshipped = quickest_mint(&World::new());
    assert!(
        quickest < unshipped + Duration::from_millis(500),
        "{quickest:?}, and {unshipped:?} where nothing is shipped"
    );
    assert_eq!(text(&world).lines().count(), 4 * mints);
    daemon.signal(Signal::CONT);
    assert_eq!(audit(&world, &["ship"]).code, 0);
    wait_until("all lines", || {
        written(&directory).lines().count() == 4 * mints
    });
    assert_eq!(written(&directory), text(&world));
}

#[test]
fn the_journal_has_every_line_with_its_fields() {
    let is_there = Path::new(JOURNALD).exists();
    if !is_installed(
        is_there,
        "systemd-journald",
        "what is shipped to the journal",
    ) {
        return;
    }
    if !is_really_root() {
        println!("skipped: it takes root to start a journal");
        return;
    }
    in_mount_namespace(|| {
        let world = World::new();
        let run = world.path().join("run");
        fs::create_dir_all(run.join("systemd/journal")).unwrap();
        let mounted = Command::new("mount")
            .args(["--bind"])
            .arg(&run)
            .arg("/run")
            .status();
        assert!(mounted.unwrap().success());
        let start = || {
            let daemon = Command::new(JOURNALD).spawn().unwrap();
            wait_until("the journal listens", || {
                run.join("systemd/journal/socket").exists()
            });
            Daemon(daemon)
        };
        world.config("[audit]\nship = \"journal\"\n");
        let daemon = start();
        mint(&world);
        wait_until("four entries", || journal().len() == 4);
        daemon.stop();
        fs::remove_file(run.join("systemd/journal/socket")).ok();
        let ran = world.run(&["mint"]);
        assert!(ran.stderr.contains("is not shipped yet"), "{}", ran.stderr);
        let _daemon = start();
        mint(&world);
        wait_until("twelve entries", || journal().len() == 12);
        let entries = journal();
        let messages = entries.iter().map(|it| it["MESSAGE"].as_str().unwrap());
        let shipped: Vec<_> = messages.map(|it| format!("{it}\n")).collect();
        let shipped = shipped.concat();
        assert_eq!(shipped, text(&world));
        assert!(chain(&shipped).is_whole());
        assert_eq!(entries[0]["TAILMINT_SEQ"], "1");
        assert_eq!(entries[0]["TAILMINT_EVENT"], "decision");
        assert_eq!(entries[0]["TAILMINT_OPERATION"], "mint");
        assert_eq!(entries[0]["PRIORITY"], "6");
        assert_eq!(
            entries[3]["TAILMINT_KEY"],
            world.simulator.keys()[0].id.as_str()
        );
        world.assert_no_secret(shipped.as_bytes(), "the journal");
    });
}

/// The entries that the journal has of tailmint.
fn journal() -> Vec<Value> {
    let output = Command::new("journalctl")
        .args(["--quiet", "--output=json", "--identifier=tailmint"])
        .args(["--directory=/run/log/journal"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A socket of a program that reads when it is told to.
fn receiver(world: &World) -> (PathBuf, UnixDatagram) {
    let path = world.path().join("receiver");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    (path, socket)
}

fn received(socket: &UnixDatagram) -> Vec<String> {
    let mut buffer = vec![0; 1 << 20];
    let mut all = Vec::new();
    while let Ok(bytes) = socket.recv(&mut buffer) {
        all.push(String::from_utf8(buffer[..bytes].to_vec()).unwrap());
    }
    all
}

#[test]
fn lines_are_shipped_from_when_it_is_configured_and_once_each_across_files() {
    let world = World::new();
    mint(&world);
    let (path, socket) = receiver(&world);
    configure(&world, "syslog", &path);
    mint(&world);
    let first = received(&socket);
    assert_eq!(first.len(), 4);
    assert!(first[0].contains("\"seq\":5,"), "{}", first[0]);
    // The line that continues a file is sent with the next one.
    assert_eq!(audit(&world, &["rotate"]).code, 0);
    mint(&world);
    let second = received(&socket);
    let numbers: Vec<_> = second.iter().map(|it| number(it)).collect();
    assert_eq!(numbers, [9, 10, 11, 12, 13]);
    // What was written before, where somebody asks for it.
    let mut child = world
        .tailmint(&["audit", "ship", "--since", "2020-01-01T00:00:00Z"])
        .spawn();
    let mut third = Vec::new();
    wait_until("all are sent", || {
        third.extend(received(&socket));
        child.try_wait().unwrap().is_some()
    });
    third.extend(received(&socket));
    assert_eq!(world.finish(child).code, 0);
    let numbers: Vec<_> = third.iter().map(|it| number(it)).collect();
    assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
}

fn number(message: &str) -> u64 {
    let (_, json) = message.split_once('{').unwrap();
    let entry: Value = serde_json::from_str(&format!("{{{json}")).unwrap();
    entry["seq"].as_u64().unwrap()
}

#[test]
fn the_lines_of_a_log_that_took_the_place_of_another_are_shipped_too() {
    let world = World::new();
    let (path, socket) = receiver(&world);
    configure(&world, "syslog", &path);
    for _ in 0..2 {
        mint(&world);
        assert_eq!(received(&socket).len(), 4);
    }
    fs::remove_file(world.path().join(".local/state/tailmint/audit.jsonl")).unwrap();
    mint(&world);
    let numbers: Vec<_> = received(&socket).iter().map(|it| number(it)).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn what_was_not_shipped_is_not_removed() {
    let world = World::new();
    let none = world.path().join("none");
    let configured = |keep: u32| {
        let none = none.display();
        world.config(&format!(
            "[audit]\nkeep = {keep}\nship = \"syslog\"\nship-socket = \"{none}\"\n"
        ));
    };
    configured(1);
    for _ in 0..3 {
        assert_eq!(world.run(&["mint"]).code, 0);
        assert_eq!(audit(&world, &["rotate"]).code, 0);
    }
    let verified = audit(&world, &["verify"]).stdout;
    assert!(verified.contains("in 4 files"), "{verified}");
}

#[test]
fn where_it_is_shipped_to_makes_sense_or_is_an_error() {
    let world = World::new();
    assert_eq!(world.run(&["mint"]).code, 0);
    assert_snapshot!(audit(&world, &["ship"]), @r#"
    exit status: 2
    --- stderr
    error: the configuration does not say where the audit log is shipped to
    hint: write ship = "journal" or ship = "syslog" in its section [audit]
    "#);
    for (section, said) in [
        (
            "ship = \"elsewhere\"",
            "unknown variant `elsewhere`, expected `journal` or `syslog`",
        ),
        (
            "ship = \"syslog\"\nship-socket = \"log\"",
            "give a path that begins with /",
        ),
    ] {
        world.config(&format!("[audit]\n{section}\n"));
        let ran = world.run(&["mint"]);
        assert_eq!(ran.code, 2, "{section}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{section}: {}", ran.stderr);
    }
}

/// Killed between the file and the socket, or between the socket and the mark.
#[cfg(feature = "failpoints")]
#[test]
fn a_line_whose_writer_was_killed_is_shipped_by_the_next() {
    for (point, again) in [("audit-before-shipping", 0), ("audit-before-marking", 1)] {
        let world = World::new();
        let (path, socket) = receiver(&world);
        configure(&world, "syslog", &path);
        let points = format!("{point}=return");
        let ran = world.tailmint(&["mint"]).env("FAILPOINTS", points).run();
        assert_eq!(ran.code, 128 + 9, "{point}");
        let before = received(&socket).len();
        assert_eq!(before, again, "{point}");
        mint(&world);
        let numbers: Vec<_> = received(&socket).iter().map(|it| number(it)).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5], "{point}");
    }
}
