use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{Page, Workbench};
use crate::{installed::is_installed, world::workspace};

/// What runs Ansible, installed once, by pip. `None` where there is no Python that it
/// runs on, which in CI is an error.
fn ansible() -> Option<PathBuf> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    INSTALLED.get_or_init(install).clone()
}

fn install() -> Option<PathBuf> {
    let version = "import sys; sys.exit(sys.version_info < (3, 11))";
    let python = Command::new("python3").args(["-c", version]).status();
    let found = python.is_ok_and(|status| status.success());
    if !is_installed(found, "Python 3.11", "the recipe of Ansible") {
        return None;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible");
    let requirements = workspace().join("tests/suite/recipes/requirements.txt");
    let wanted = fs::read(&requirements).unwrap();
    let stamp = directory.join("installed");
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {said}");
        };
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&directory));
        run(Command::new(directory.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(requirements));
        fs::write(stamp, wanted).unwrap();
    }
    Some(directory)
}

/// A guest that Ansible reaches by ssh, or where that cannot be, on this machine. While
/// it joins, it writes down which of its files have a key in them.
fn guest(ansible: &Path) -> Workbench {
    let bench = Workbench::new();
    for name in ["guest", "tmp"] {
        fs::create_dir(bench.world.path().join(name)).unwrap();
    }
    let connection = if bench.is_reached_by_ssh() {
        let ssh = bench.bin().join("ssh");
        format!("ansible_user=root ansible_ssh_executable={}", ssh.display())
    } else {
        "ansible_connection=local".to_owned()
    };
    let hosts = format!(
        "[guests]\nguest {connection} ansible_python_interpreter={}\n",
        ansible.join("bin/python").display()
    );
    bench.file("hosts", &hosts);
    let search = format!(
        r#"cp "$here/in.json" "$here/status.json"
        grep -rls tskey-auth- '{at}/guest' '{at}/tmp' > "$here/found" || true"#,
        at = bench.world.path().display(),
    );
    bench.machine.up(&search);
    bench
}

/// Runs the playbook; what it prints of the results of tasks.
fn play(ansible: &Path, bench: &Workbench, block: &str) -> String {
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        bench.bin().display(),
        ansible.join("bin").display()
    );
    let mut shell = bench.command("sh");
    shell
        .args(["-e", "-c", block])
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("ANSIBLE_VERBOSITY", "1")
        // No connection is kept open for later.
        .env("ANSIBLE_SSH_ARGS", "-o ControlMaster=no")
        .env("ANSIBLE_REMOTE_TMP", bench.world.path().join("guest"))
        .env("TMPDIR", bench.world.path().join("tmp"));
    bench.succeeds(shell)
}

#[test]
fn ansible_mints_on_the_controller_and_joins_guests_that_are_not_connected() {
    let mut page = Page::open("ansible");
    let (configuration, playbook) = (page.take("ini"), page.take("yaml"));
    let block = page.take("sh");
    let Some(ansible) = ansible() else {
        return;
    };
    let bench = guest(&ansible);
    bench.file("ansible.cfg", &configuration);
    bench.file("join.yml", &playbook);
    let printed = play(&ansible, &bench, &block);
    assert!(
        printed.contains(r#""tailscale_name": "a.example.ts.net.""#),
        "{printed}"
    );
    bench.assert_joined();
    let call = &bench.machine.calls()[0];
    assert_eq!(call.argv[2], "--hostname=guest");
    let environment = call.environment.join("\n");
    let by_ssh = bench.bin().join("ssh").exists();
    assert_eq!(environment.contains("SSH_CONNECTION="), by_ssh);
    bench
        .world
        .assert_no_secret(environment.as_bytes(), "the environment");
    let found = || fs::read_to_string(bench.bin().join("found")).unwrap();
    assert_eq!(found(), "", "the key is in files of the guest");
    bench.assert_key_in_no_file_but(&[]);
    // A guest that is connected gets none.
    let printed = play(&ansible, &bench, &block);
    assert!(printed.contains("skipped=2"), "{printed}");
    bench.assert_joined();
}

#[test]
fn without_pipelining_ansible_writes_the_key_to_a_file_of_the_guest() {
    let mut page = Page::open("ansible");
    let (_, playbook) = (page.take("ini"), page.take("yaml"));
    let block = page.take("sh");
    let Some(ansible) = ansible() else {
        return;
    };
    let bench = guest(&ansible);
    bench.file("join.yml", &playbook);
    play(&ansible, &bench, &block);
    bench.assert_joined();
    let found = fs::read_to_string(bench.bin().join("found")).unwrap();
    assert_ne!(found, "", "the page may leave pipelining out");
}
