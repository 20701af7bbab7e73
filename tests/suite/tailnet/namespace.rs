use std::{os::unix::process::ExitStatusExt, path::PathBuf, process::Command, thread};

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
    // The test runner names its threads after their tests.
    let name = thread::current().name().unwrap().to_owned();
    let mut command = Command::new("unshare");
    // Whoever is not root becomes root of the namespace only.
    if rustix::process::geteuid().is_root() {
        command.arg("--net");
    } else {
        command.args(["--net", "--map-root-user"]);
    }
    let output = command
        // What the test leaves behind ends with it.
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, programs.folder())
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
