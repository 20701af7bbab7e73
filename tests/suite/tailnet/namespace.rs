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

/// The same with mounts of its own, so that the test can lay a whole machine out. It
/// takes root.
pub(super) fn in_container(test: impl FnOnce(Programs)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        bring_up_loopback();
        return test(Programs::in_folder(PathBuf::from(folder)));
    }
    if !is_really_root() {
        return;
    }
    let Some(programs) = Programs::build() else {
        return;
    };
    let mut command = Command::new("unshare");
    command.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
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

/// Runs the test in a network of its own in which the API's name is this machine's,
/// so that programs which can be led nowhere else reach a simulator on port 443. What
/// needs the real network is prepared before, and found in the folder.
#[cfg(feature = "compiler")]
pub(crate) fn beside_the_api(
    prepare: impl FnOnce() -> Option<PathBuf>,
    test: impl FnOnce(PathBuf),
) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        bring_up_loopback();
        let hosts = tempfile::NamedTempFile::new().unwrap();
        let names = format!("127.0.0.1 localhost {}\n", tailmint_api::API_HOST);
        std::fs::write(hosts.path(), names).unwrap();
        let mounted = Command::new("mount")
            .arg("--bind")
            .arg(hosts.path())
            .arg("/etc/hosts")
            .status()
            .unwrap();
        assert!(mounted.success(), "/etc/hosts cannot be replaced");
        return test(PathBuf::from(folder));
    }
    let Some(folder) = prepare() else { return };
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    run_inside(command, folder.as_os_str());
}

/// Runs the test in a network of its own, with nothing but `lo` in it, where what it
/// mounts is its own too.
pub(crate) fn in_network_namespace(test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        bring_up_loopback();
        return test();
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    run_inside(command, "network".as_ref());
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
