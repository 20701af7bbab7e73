use std::{ffi::OsStr, os::unix::process::ExitStatusExt, path::PathBuf, process::Command, thread};

use super::Programs;

/// Tells the program that it is in its namespace, and where the programs are.
const INSIDE: &str = "TAILMINT_TEST_PROGRAMS";

/// Runs the test in a network namespace of its own: this program is started
/// again inside of one, with this test alone.
pub(super) fn in_namespace(test: impl FnOnce(Programs)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        bring_up_loopback();
        return test(Programs::in_folder(PathBuf::from(folder)));
    }
    let Some(programs) = Programs::build() else {
        return;
    };
    let mut command = Command::new("unshare");
    // Whoever is not root becomes root of the namespace only.
    if rustix::process::geteuid().is_root() {
        command.arg("--net");
    } else {
        command.args(["--net", "--map-root-user"]);
    }
    // What the test leaves behind ends with it.
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    run_inside(command, programs.folder().as_os_str());
}

/// Runs the test where what it mounts is its own. It takes root.
pub(crate) fn in_mount_namespace(test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let mut command = Command::new("unshare");
    command.arg("--mount");
    run_inside(command, "mounts".as_ref());
}

/// Root of the machine, not only of a namespace.
pub(crate) fn is_really_root() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    let mut first = map.split_whitespace();
    (first.next(), first.next()) == (Some("0"), Some("0")) && rustix::process::geteuid().is_root()
}

/// Starts this program again by the command, with this test alone.
fn run_inside(mut command: Command, inside: &OsStr) {
    // The test runner names its threads after their tests.
    let name = thread::current().name().unwrap().to_owned();
    let output = command
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, inside)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "in its namespace: code {:?}, signal {:?}\n{said}",
        output.status.code(),
        output.status.signal()
    );
    // For `--nocapture`.
    print!("{said}");
}

fn bring_up_loopback() {
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status()
        .unwrap();
    assert!(up.success(), "lo does not come up");
}
