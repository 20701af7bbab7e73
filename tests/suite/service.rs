//! `tailmint service`: the units of systemd where no package brought them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use insta::assert_snapshot;

use crate::{
    case::Case,
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::{World, workspace},
};

const UNITS: &str = "usr/local/lib/systemd/system";
const UP: &str = "usr/local/lib/systemd/system/tailmint-up.service";

/// A machine that is prepared in a directory, with a program in it.
struct Machine {
    world: World,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            world: World::new(),
        };
        machine.put("usr/local/bin/tailmint", "#!/bin/sh\n");
        let program = machine.path("usr/local/bin/tailmint");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    fn root(&self) -> PathBuf {
        self.world.path().join("root")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn service(&self, arguments: &[&str]) -> Ran {
        let mut case = self.world.bare(&["service"]).args(arguments);
        case = case.arg("--root").arg(self.root());
        case.run()
    }

    /// All files below `/usr/local/lib`.
    fn written(&self) -> Vec<String> {
        let mut names = Vec::new();
        for directory in [UNITS, "usr/local/lib/tmpfiles.d"] {
            for entry in fs::read_dir(self.path(directory)).into_iter().flatten() {
                names.push(entry.unwrap().file_name().into_string().unwrap());
            }
        }
        names.sort();
        names
    }
}

/// The text of the packages.
fn packaged(name: &str) -> String {
    fs::read_to_string(workspace().join("release/systemd").join(name)).unwrap()
}

/// Without the first line, which says who wrote it.
fn unmarked(text: &str) -> &str {
    text.split_once('\n').unwrap().1
}

#[test]
fn the_units_of_the_packages_are_written_and_removed() {
    let machine = Machine::new();
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target is written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer is written
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf is written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service is written
    ");
    for name in ["tailmint-up.timer", "tailmint-up-stopped.target"] {
        let text = machine.read(&format!("{UNITS}/{name}"));
        assert_eq!(unmarked(&text), packaged(name));
    }
    let directories = machine.read("usr/local/lib/tmpfiles.d/tailmint.conf");
    assert_eq!(unmarked(&directories), packaged("tmpfiles.conf"));
    let own = packaged("tailmint-up.service").replace("/usr/bin/", "/usr/local/bin/");
    assert_eq!(unmarked(&machine.read(UP)), own);
    let mode = fs::metadata(machine.path(UP)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    // A second time nothing is left to do.
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target is there already
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer is there already
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf is there already
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service is there already
    ");
    assert_snapshot!(machine.service(&["remove"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service is removed
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer is removed
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target is removed
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf is removed
    the machine stays joined, and /etc/tailmint, /var/lib/tailmint and /etc/credstore.encrypted are as they were
    ");
    assert_eq!(machine.written(), [""; 0]);
    assert_snapshot!(machine.service(&["remove"]), @"
    exit status: 2
    --- stderr
    error: there is no unit to remove
    hint: to install the units: tailmint service install
    ");
}

#[test]
fn a_dry_run_changes_nothing() {
    let machine = Machine::new();
    assert_snapshot!(machine.service(&["install", "--dry-run", "--enable"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target would be written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer would be written
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf would be written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service would be written
    would run: systemctl --root=[dir]/root enable tailmint-up.service
    ");
    assert_eq!(machine.written(), [""; 0]);
    machine.service(&["install"]);
    assert_snapshot!(machine.service(&["remove", "--dry-run", "--json"]), @r#"
    exit status: 0
    --- stdout
    {"dry-run":true,"removed":["[dir]/root/usr/local/lib/systemd/system/tailmint-up.service","[dir]/root/usr/local/lib/systemd/system/tailmint-up.timer","[dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target","[dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf"]}
    "#);
    assert_eq!(machine.written().len(), 4);
}

#[test]
fn nothing_is_written_where_an_image_cannot_be_enabled() {
    let machine = Machine::new();
    let case = machine.world.bare(&["service", "install", "--enable"]);
    let case = case.arg("--root").arg(machine.root()).env("PATH", "/none");
    assert_snapshot!(case.run(), @"
    exit status: 2
    --- stderr
    error: --enable takes systemctl, and there is none in $PATH
    hint: leave --enable out, and where there is one, run: systemctl --root=[dir]/root enable tailmint-up.service
    ");
    assert_eq!(machine.written(), [""; 0]);
}

#[test]
fn another_profile_has_its_own_credentials() {
    let machine = Machine::new();
    let ran = machine.service(&["install", "--profile", "k8s-operator"]);
    assert_eq!(ran.code, 0, "{ran}");
    let text = machine.read(UP);
    for line in [
        "ExecStart=/usr/local/bin/tailmint up --profile k8s-operator --keep %S/tailmint/connected",
        "LoadCredentialEncrypted=tailscale-operator-client-id",
        "LoadCredentialEncrypted=tailscale-operator-client-secret",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in {text}");
    }
    assert!(!text.contains("tailscale-oauth-client"), "{text}");
}

#[test]
fn the_configuration_of_the_machine_names_the_credentials() {
    let machine = Machine::new();
    machine.put(
        "etc/tailmint/config.toml",
        "[profiles.bootstrap]\nid-file = \"own-id\"\n",
    );
    let ran = machine.service(&["install"]);
    assert_eq!(ran.code, 0, "{ran}");
    let text = machine.read(UP);
    assert!(text.contains("LoadCredentialEncrypted=own-id\n"), "{text}");
    // What an older run wrote is replaced: nobody changed it.
    machine.put("etc/tailmint/config.toml", "");
    let ran = machine.service(&["install"]);
    assert!(
        ran.stdout.contains("tailmint-up.service is written"),
        "{ran}"
    );
    assert!(!machine.read(UP).contains("own-id"));
}

#[test]
fn a_profile_that_the_machine_does_not_have() {
    let machine = Machine::new();
    assert_snapshot!(machine.service(&["install", "--profile", "none"]), @r#"
    exit status: 2
    --- stderr
    error: there is no profile "none"
    hint: choose one of: bootstrap, k8s-operator; or add it to the configuration
    "#);
    assert_eq!(machine.written(), [""; 0]);
}

#[test]
fn what_a_person_changed_stays() {
    let machine = Machine::new();
    machine.service(&["install"]);
    let changed = machine.read(UP).replace("5min", "1min");
    machine.put(UP, &changed);
    assert_snapshot!(machine.service(&["install", "--profile", "k8s-operator"]), @"
    exit status: 2
    --- stderr
    error: [dir]/root/usr/local/lib/systemd/system/tailmint-up.service was changed since tailmint wrote it
    hint: move it away, and put what is to differ into a file of its own: systemctl edit tailmint-up.service
    ");
    assert_snapshot!(machine.service(&["remove"]), @"
    exit status: 2
    --- stderr
    error: [dir]/root/usr/local/lib/systemd/system/tailmint-up.service was changed since tailmint wrote it
    hint: move it away, and put what is to differ into a file of its own: systemctl edit tailmint-up.service
    ");
    assert_eq!(machine.read(UP), changed);
    assert_eq!(machine.written().len(), 4);
}

#[test]
fn a_file_of_somebody_else_stays() {
    let machine = Machine::new();
    let timer = format!("{UNITS}/tailmint-up.timer");
    machine.put(&timer, "[Timer]\n");
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 2
    --- stderr
    error: [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer exists, and tailmint did not write it
    hint: move it away if nobody needs it
    ");
    assert_eq!(machine.read(&timer), "[Timer]\n");
    assert_eq!(machine.written(), ["tailmint-up.timer"]);
    fs::remove_file(machine.path(&timer)).unwrap();
    symlink("/dev/null", machine.path(&timer)).unwrap();
    assert_eq!(machine.service(&["install"]).code, 2);
    assert_eq!(machine.service(&["remove"]).code, 2);
}

#[test]
fn a_link_that_leads_out_of_the_image_is_not_followed() {
    for link in [
        "usr/local/lib",
        "usr/local/lib/systemd",
        "usr/local/lib/tmpfiles.d",
        "usr/lib",
        "etc",
        "etc/tailmint",
        "etc/tailmint/config.toml",
    ] {
        let machine = Machine::new();
        let outside = machine.world.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::create_dir_all(machine.path(link).parent().unwrap()).unwrap();
        symlink(&outside, machine.path(link)).unwrap();
        let ran = machine.service(&["install"]);
        assert_eq!(ran.code, 2, "{link}: {ran}");
        let words = format!("{} is a link", machine.path(link).display());
        assert!(ran.stderr.contains(&words), "{link}: {ran}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{link}");
        if link == "usr/local/lib" {
            assert_snapshot!(ran, @"
            exit status: 2
            --- stderr
            error: [dir]/root/usr/local/lib is a link that leads out of [dir]/root, or to nothing
            hint: make it a relative link that stays below that directory, or put there what it leads to
            ");
            // Nor is anything removed through it.
            let unit = outside.join("systemd/system/tailmint-up.service");
            fs::create_dir_all(unit.parent().unwrap()).unwrap();
            fs::write(&unit, "").unwrap();
            assert_eq!(machine.service(&["remove"]).code, 2);
            assert!(unit.exists());
        }
    }
    // One that stays in it is followed, and one that leads to nothing is not.
    let machine = Machine::new();
    fs::create_dir_all(machine.path("usr/other")).unwrap();
    symlink("../other", machine.path("usr/local/lib")).unwrap();
    symlink("usr/lib", machine.path("lib")).unwrap();
    let ran = machine.service(&["install"]);
    assert!(ran.stderr.contains("root/lib is a link"), "{ran}");
    fs::create_dir_all(machine.path("usr/lib")).unwrap();
    let ran = machine.service(&["install"]);
    assert_eq!(ran.code, 0, "{ran}");
    let unit = machine.path("usr/other/systemd/system/tailmint-up.service");
    assert!(unit.is_file());
}

#[test]
fn the_unit_of_a_package_is_used() {
    for directory in ["usr/lib", "lib", "etc", "run"] {
        let machine = Machine::new();
        let unit = format!("{directory}/systemd/system/tailmint-up.service");
        machine.put(&unit, "[Unit]\n");
        let ran = machine.service(&["install"]).replacing(directory, "DIR");
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains(&unit), "{ran}");
        assert_eq!(machine.written(), [""; 0]);
        assert_eq!(machine.service(&["remove"]).code, 2);
        if directory == "etc" {
            assert_snapshot!(ran, @"
            exit status: 2
            --- stderr
            error: the unit is there already, by a package or a person: [dir]/root/DIR/systemd/system/tailmint-up.service
            hint: use that one: systemctl enable --now tailmint-up.service; to change it: systemctl edit tailmint-up.service
            ");
        }
    }
}

#[test]
fn a_unit_that_is_masked_is_not_said_to_be_used() {
    let machine = Machine::new();
    let unit = "etc/systemd/system/tailmint-up.service";
    machine.put(unit, "");
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 2
    --- stderr
    error: the unit is masked, so that nothing starts it: [dir]/root/etc/systemd/system/tailmint-up.service
    hint: if it is to be started after all: systemctl unmask tailmint-up.service, and for an image, systemctl --root=DIR unmask tailmint-up.service
    ");
    fs::remove_file(machine.path(unit)).unwrap();
    // What was installed is removed all the same, and no other unit is in effect.
    assert_eq!(machine.service(&["install"]).code, 0);
    symlink("/dev/null", machine.path(unit)).unwrap();
    let ran = machine.service(&["install"]);
    assert!(ran.stderr.contains("the unit is masked"), "{ran}");
    let ran = machine.service(&["remove"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stdout.contains("in effect"), "{ran}");
}

#[test]
fn a_program_that_the_unit_does_not_see() {
    let machine = Machine::new();
    machine.put("home/somebody/.local/bin/tailmint", "");
    let ran = machine.service(&["install", "--program", "/home/somebody/.local/bin/tailmint"]);
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: the unit cannot run /home/somebody/.local/bin/tailmint: it sees nothing in /home
    hint: install tailmint for all users, such as with install.sh --prefix /usr/local, or name a program elsewhere with --program
    ");
    // A link leads there.
    let link = machine.path("usr/local/bin/linked");
    symlink(machine.path("home/somebody/.local/bin/tailmint"), link).unwrap();
    let ran = machine.service(&["install", "--program", "/usr/local/bin/linked"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("it sees nothing in /home"), "{ran}");
}

/// The configuration of a machine whose token comes from there.
fn federated(source: &str) -> String {
    format!("[profiles.bootstrap]\nclient-id = \"kFed7CNTRL\"\n{source}\n")
}

#[test]
fn a_token_that_the_unit_does_not_see() {
    for source in [
        "token-file = \"/home/somebody/token\"",
        "token-command = [\"/root/bin/token\"]",
    ] {
        let machine = Machine::new();
        machine.put("etc/tailmint/config.toml", &federated(source));
        let ran = machine.service(&["install"]);
        assert_eq!(ran.code, 2, "{ran}");
        assert_eq!(machine.written(), [""; 0]);
        if source.contains("home") {
            assert_snapshot!(ran, @"
            exit status: 2
            --- stderr
            error: the unit cannot use /home/somebody/token of profile bootstrap: it sees nothing in /home
            hint: put it elsewhere, such as below /etc or /usr/local, and name it so in /etc/tailmint/config.toml
            ");
        }
    }
    let machine = Machine::new();
    let command = "[profiles.bootstrap]\nid-command = [\"/tmp/id\"]\n";
    machine.put("etc/tailmint/config.toml", command);
    let ran = machine.service(&["install"]);
    assert!(ran.stderr.contains("it sees nothing in /tmp"), "{ran}");
}

#[test]
fn a_token_in_a_variable_that_the_unit_does_not_set() {
    let machine = Machine::new();
    let source = "token-env = \"CI_TOKEN\"";
    machine.put("etc/tailmint/config.toml", &federated(source));
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target is written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer is written
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf is written
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service is written
    the profile reads its token from $CI_TOKEN, which the unit does not set: systemctl edit tailmint-up.service, with LoadCredential=token:PATH and Environment=CI_TOKEN=file:%d/token
    ");
    assert!(!machine.read(UP).contains("LoadCredential"));
}

#[test]
fn a_program_that_others_can_change() {
    let machine = Machine::new();
    let directory = machine.path("usr/local/bin");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(machine.service(&["install"]), @"
    exit status: 2
    --- stderr
    error: root is not to run a program that others can change: [dir]/root/usr/local/bin/tailmint: its directory [dir]/root/usr/local/bin has mode 0777: others may replace what is in it
    hint: let it and its directories belong to root, and nobody else write there
    ");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    // One above it is as bad.
    let above = machine.path("usr");
    fs::set_permissions(&above, fs::Permissions::from_mode(0o777)).unwrap();
    let ran = machine.service(&["install"]);
    assert!(ran.stderr.contains("others may replace"), "{ran}");
    assert_eq!(machine.written(), [""; 0]);
}

#[test]
fn where_an_image_lies_does_not_matter() {
    let world = World::new();
    let open = world.path().join("open");
    let bin = open.join("image/usr/local/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("tailmint"), "").unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&bin.join("tailmint"), 0o755);
    for directory in [&open, &open.join("image")] {
        mode(directory, 0o777);
        let case = world.bare(&["service", "install", "--root"]);
        let ran = case.arg(open.join("image")).run();
        assert_eq!(ran.code, 0, "{ran}");
    }
    // A program that is another machine's is not looked for on this one.
    let tools = world.path().join("tools");
    fs::create_dir(&tools).unwrap();
    fs::write(tools.join("tailmint"), "").unwrap();
    mode(&tools.join("tailmint"), 0o755);
    symlink(tools.join("tailmint"), bin.join("linked")).unwrap();
    let case = world.bare(&["service", "install", "--program", "/usr/local/bin/linked"]);
    let ran = case.arg("--root").arg(open.join("image")).run();
    assert_eq!(ran.code, 2, "{ran}");
    assert!(
        ran.stderr.contains("linked is a link that leads out of"),
        "{ran}"
    );
}

#[test]
fn a_program_that_is_no_program() {
    let machine = Machine::new();
    machine.put("opt/a b", "");
    machine.put("opt/text", "");
    let install = |program: &str| machine.service(&["install", "--program", program]);
    assert_snapshot!(install("/opt/text"), @"
    exit status: 2
    --- stderr
    error: /opt/text: it is not a program
    hint: name a program of that machine with --program
    ");
    assert_snapshot!(install("/opt/none"), @"
    exit status: 2
    --- stderr
    error: /opt/none: No such file or directory (os error 2)
    hint: name a program of that machine with --program
    ");
    assert_snapshot!(install("bin/tailmint"), @"
    exit status: 2
    --- stderr
    error: bin/tailmint: it is not an absolute path
    hint: name a program of that machine with --program
    ");
    let text = machine.path("opt/a b");
    fs::set_permissions(text, fs::Permissions::from_mode(0o755)).unwrap();
    assert_snapshot!(install("/opt/a b"), @r#"
    exit status: 2
    --- stderr
    error: "/opt/a b" cannot be written in a unit
    hint: use letters, digits and . _ - + alone
    "#);
}

/// Commands of systemd that write down how they were called, and say what they are told.
struct StandIns<'a> {
    world: &'a World,
}

impl<'a> StandIns<'a> {
    fn new(world: &'a World) -> Self {
        fs::create_dir(world.path().join("systemd")).unwrap();
        let all = Self { world };
        all.put("systemctl", "[ $1 != is-system-running ] || echo running");
        all.put("systemd-tmpfiles", "");
        all
    }

    fn directory(&self) -> PathBuf {
        self.world.path().join("systemd")
    }

    fn put(&self, name: &str, script: &str) {
        let directory = self.directory();
        let calls = directory.join("calls").display().to_string();
        let text = format!("#!/bin/sh\necho \"{name} $*\" >> '{calls}'\n{script}\n");
        let path = directory.join(name);
        // Whoever runs it meanwhile would find it open for writing.
        let new = self.world.write("new", &text);
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn case(&self, arguments: &[&str]) -> Case<'a> {
        let path = format!("{}:/usr/bin:/bin", self.directory().display());
        let case = self.world.bare(&["service"]).args(arguments);
        case.env("PATH", path)
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.directory().join("calls")).unwrap_or_default()
    }
}

#[test]
fn where_there_is_no_systemd_that_is_said() {
    let world = World::new();
    let case = world.bare(&["service", "install"]).env("PATH", "/none");
    assert_snapshot!(case.run(), @"
    exit status: 2
    --- stderr
    error: systemd does not run on this machine: there is no systemctl in $PATH
    hint: have what starts programs here run: tailmint up --keep FILE; to write the units for another machine, give --root DIR
    ");
    let stand_ins = StandIns::new(&world);
    stand_ins.put("systemctl", "echo offline; exit 1");
    assert_snapshot!(stand_ins.case(&["status"]).run(), @"
    exit status: 2
    --- stderr
    error: systemd does not run on this machine: systemctl says that it is offline
    hint: have what starts programs here run: tailmint up --keep FILE; to write the units for another machine, give --root DIR
    ");
    stand_ins.put("systemctl", "exit 1");
    assert_eq!(stand_ins.case(&["remove"]).run().code, 2);
    assert_eq!(stand_ins.case(&["install"]).run().code, 2);
}

/// What `systemctl show` says of a unit.
fn shown(name: &str, properties: &str) -> String {
    format!("Id={name}\n{}\n", properties.replace(' ', "\n"))
}

fn status(up: &str, timer: &str, stopped: &str, daemon: &str) -> Ran {
    let world = World::new();
    let stand_ins = StandIns::new(&world);
    let text = [
        shown("tailmint-up.service", up),
        shown("tailmint-up.timer", timer),
        shown("tailmint-up-stopped.target", stopped),
        shown("tailscaled.service", daemon),
    ];
    world.write("shown", &text.join("\n"));
    let show = format!("cat '{}'", world.path().join("shown").display());
    stand_ins.put(
        "systemctl",
        &format!("[ $1 = is-system-running ] && echo degraded && exit 1\n{show}"),
    );
    stand_ins.case(&["status"]).run()
}

const THERE: &str =
    "LoadState=loaded FragmentPath=/etc/systemd/system/tailmint-up.service UnitFileState=enabled";
const RUNS: &str = "LoadState=loaded ActiveState=active";
const RESTS: &str = "LoadState=loaded ActiveState=inactive";

#[test]
fn the_status_is_said_in_plain_words() {
    let none = "LoadState=not-found ActiveState=inactive";
    assert_snapshot!(status(none, none, none, none), @"
    exit status: 0
    --- stdout
    tailmint-up.service is not installed: tailmint service install
    ");
    assert_snapshot!(status("LoadState=masked", RESTS, RESTS, RUNS), @"
    exit status: 0
    --- stdout
    tailmint-up.service is masked, so that nothing starts it: systemctl unmask tailmint-up.service
    ");
    let well = "ActiveState=inactive SubState=dead ExecMainStatus=0 ExecMainExitTimestamp=Thu";
    assert_snapshot!(status(&format!("{THERE} {well}"), RUNS, RESTS, RUNS), @"
    exit status: 0
    --- stdout
    tailmint-up.service is installed: /etc/systemd/system/tailmint-up.service
    this machine joins when it boots
    it succeeded at Thu
    the timer runs: it looks again and again whether the machine is still joined
    ");
    let waits =
        "ActiveState=activating SubState=auto-restart ExecMainStatus=15 ExecMainExitTimestamp=Thu";
    assert_snapshot!(status(&format!("{THERE} {waits}"), RUNS, RESTS, RUNS), @"
    exit status: 0
    --- stdout
    tailmint-up.service is installed: /etc/systemd/system/tailmint-up.service
    this machine joins when it boots
    it failed at Thu with exit status 15; it tries again within a minute. The API could not be reached, failed on its side, or wants fewer requests. Try again later. See: journalctl --unit=tailmint-up
    the timer runs: it looks again and again whether the machine is still joined
    ");
    let failed = "ActiveState=failed SubState=failed ExecMainStatus=12 ExecMainExitTimestamp=Thu";
    assert_snapshot!(status(&format!("{THERE} {failed}"), RESTS, RUNS, RUNS), @"
    exit status: 0
    --- stdout
    tailmint-up.service is installed: /etc/systemd/system/tailmint-up.service
    this machine joins when it boots
    it failed at Thu with exit status 12. The policy denied a request. See: journalctl --unit=tailmint-up
    it waits for a person: mend what the journal says, then systemctl restart tailmint-up.service
    ");
    let fresh = THERE.replace("enabled", "disabled");
    let fresh = format!("{fresh} ActiveState=inactive ExecMainStatus=0 ExecMainExitTimestamp=");
    assert_snapshot!(status(&fresh, RESTS, RESTS, none), @"
    exit status: 0
    --- stdout
    tailmint-up.service is installed: /etc/systemd/system/tailmint-up.service
    this machine does not join when it boots: systemctl enable --now tailmint-up.service
    it has not run since the machine booted
    the timer does not run: nothing looks whether the machine is still joined
    tailscaled is not installed: https://tailscale.com/download
    ");
    let now = format!("{THERE} ActiveState=activating SubState=start");
    let ran = status(&now, RUNS, RESTS, RESTS);
    assert!(ran.stdout.contains("it runs now\n"), "{ran}");
    assert!(ran.stdout.contains("tailscaled does not run"), "{ran}");
}

/// What is said of the last run.
fn last_run(properties: &str) -> String {
    let properties = format!(
        "{THERE} ActiveState=failed SubState=failed ExecMainExitTimestamp=Thu {properties}"
    );
    let ran = status(&properties, RESTS, RUNS, RUNS);
    ran.stdout.lines().nth(2).unwrap().to_owned()
}

#[test]
fn what_systemd_ended_is_not_told_as_the_programs_own_failure() {
    assert_snapshot!(last_run("Result=timeout ExecMainCode=2 ExecMainStatus=15"), @"it failed at Thu because it took too long. See whether the API and tailscaled respond: tailmint check. See: journalctl --unit=tailmint-up");
    assert_snapshot!(last_run("Result=signal ExecMainCode=2 ExecMainStatus=10"), @"it failed at Thu by signal 10. See: journalctl --unit=tailmint-up");
    assert_snapshot!(last_run("Result=core-dump ExecMainCode=3 ExecMainStatus=11"), @"it failed at Thu by signal 11. See: journalctl --unit=tailmint-up");
    assert_snapshot!(last_run("Result=success ExecMainCode=1 ExecMainStatus=143"), @"it succeeded at Thu");
    assert_snapshot!(last_run("Result=exit-code ExecMainCode=1 ExecMainStatus=243"), @"it failed at Thu with exit status 243. Its encrypted credentials are not for this machine, or are damaged: tailmint clients create --systemd --replace, or tailmint clients encrypt --replace. See: journalctl --unit=tailmint-up");
    assert_snapshot!(last_run("Result=exit-code ExecMainCode=1 ExecMainStatus=226"), @"it failed at Thu with exit status 226. That is a status of systemd's own: man systemd.exec. See: journalctl --unit=tailmint-up");
    assert_snapshot!(last_run("Result=oom-kill ExecMainCode=2 ExecMainStatus=9"), @"it failed at Thu with what systemd calls oom-kill. See: journalctl --unit=tailmint-up");
}

#[test]
fn what_systemctl_says_is_shown_where_it_fails() {
    let world = World::new();
    let stand_ins = StandIns::new(&world);
    stand_ins.put(
        "systemctl",
        "[ $1 = is-system-running ] && echo running && exit\necho Failed to connect to bus >&2; exit 1",
    );
    assert_snapshot!(stand_ins.case(&["status"]).run(), @"
    exit status: 1
    --- stderr
    error: systemctl show tailmint-up.service tailmint-up.timer tailmint-up-stopped.target tailscaled.service failed: Failed to connect to bus
    hint: see: journalctl --unit=tailmint-up
    ");
}

/// Mounts the directory there, if there is something.
pub(crate) fn mount(directory: &Path, at: &str) {
    if !Path::new(at).exists() {
        return;
    }
    let mounted = std::process::Command::new("mount")
        .arg("--bind")
        .args([directory, Path::new(at)])
        .status();
    assert!(mounted.unwrap().success());
}

/// This machine, with nothing where units are but what the test puts there: it is given what
/// is `/usr/local/lib`.
fn on_this_machine(test: impl FnOnce(&StandIns<'_>, &Path)) {
    if !is_really_root() {
        return;
    }
    in_mount_namespace(|| {
        let world = World::new();
        let [local, none] = ["lib", "none"].map(|name| world.path().join(name));
        fs::create_dir(&local).unwrap();
        fs::create_dir(&none).unwrap();
        mount(&local, "/usr/local/lib");
        // Whatever packages and persons put on the machine of the test.
        for directory in ["/etc", "/run", "/usr/lib", "/lib"] {
            mount(&none, &format!("{directory}/systemd/system"));
        }
        test(&StandIns::new(&world), &local);
    });
}

/// Installs with a program that root alone can change, wherever the tests are.
fn install_here(stand_ins: &StandIns<'_>, more: &[&str]) -> Ran {
    let arguments = [&["install", "--program", "/bin/sh"], more].concat();
    stand_ins.case(&arguments).run()
}

#[test]
fn a_removal_that_stopped_half_way_is_repeated() {
    on_this_machine(|stand_ins, local| {
        assert_eq!(install_here(stand_ins, &[]).code, 0);
        // Like systemd's own, it fails where a unit is not there.
        stand_ins.put(
            "systemctl",
            "[ $1 = is-system-running ] && echo running && exit
            [ $1 = disable ] || exit 0
            shift 2
            for unit; do [ -e /usr/local/lib/systemd/system/$unit ] || {
                echo Failed to disable unit: Unit $unit does not exist >&2; exit 1
            }; done",
        );
        let units = local.join("systemd/system");
        fs::remove_file(units.join("tailmint-up.service")).unwrap();
        assert_snapshot!(stand_ins.case(&["remove", "--dry-run"]).run(), @"
        exit status: 0
        --- stdout
        would run: systemctl disable --now tailmint-up.timer tailmint-up-stopped.target
        /usr/local/lib/systemd/system/tailmint-up.timer would be removed
        /usr/local/lib/systemd/system/tailmint-up-stopped.target would be removed
        /usr/local/lib/tmpfiles.d/tailmint.conf would be removed
        would run: systemctl daemon-reload
        ");
        let ran = stand_ins.case(&["remove"]).run();
        assert_eq!(ran.code, 0, "{ran}");
        // The last file of all is no unit.
        assert_eq!(install_here(stand_ins, &[]).code, 0);
        for unit in fs::read_dir(&units).unwrap() {
            fs::remove_file(unit.unwrap().path()).unwrap();
        }
        assert_snapshot!(stand_ins.case(&["remove"]).run(), @"
        exit status: 0
        --- stdout
        /usr/local/lib/tmpfiles.d/tailmint.conf is removed
        ran: systemctl daemon-reload
        the machine stays joined, and /etc/tailmint, /var/lib/tailmint and /etc/credstore.encrypted are as they were
        ");
    });
}

#[test]
fn a_package_that_came_later_is_hidden_and_that_is_said() {
    // In an image.
    let machine = Machine::new();
    machine.service(&["install"]);
    let packaged = "usr/lib/systemd/system/tailmint-up.service";
    machine.put(packaged, "[Unit]\n");
    assert_snapshot!(machine.service(&["remove"]), @"
    exit status: 0
    --- stdout
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.service is removed
    [dir]/root/usr/local/lib/systemd/system/tailmint-up.timer is removed
    [dir]/root/usr/local/lib/systemd/system/tailmint-up-stopped.target is removed
    [dir]/root/usr/local/lib/tmpfiles.d/tailmint.conf is removed
    [dir]/root/usr/lib/systemd/system/tailmint-up.service is in effect now
    the machine stays joined, and /etc/tailmint, /var/lib/tailmint and /etc/credstore.encrypted are as they were
    ");
    assert_eq!(machine.read(packaged), "[Unit]\n");
    on_this_machine(|stand_ins, _| {
        let directory = "/usr/lib/systemd/system";
        if !Path::new(directory).exists() {
            return;
        }
        assert_eq!(install_here(stand_ins, &[]).code, 0);
        let packaged = stand_ins.world.path().join("packaged");
        fs::create_dir(&packaged).unwrap();
        fs::write(packaged.join("tailmint-up.service"), "[Unit]\n").unwrap();
        mount(&packaged, directory);
        let well = format!("{THERE} ActiveState=inactive");
        let own = well.replace("/etc", "/usr/local/lib");
        let ran = status(&own, RUNS, RESTS, RUNS);
        let hides = "it hides the unit of a package, /usr/lib/systemd/system/tailmint-up.service; to use that one: tailmint service remove, and then systemctl enable --now tailmint-up.service";
        assert!(ran.stdout.lines().any(|line| line == hides), "{ran}");
        // That of the package hides nothing.
        let of_package = well.replace("/etc", "/usr/lib");
        let ran = status(&of_package, RUNS, RESTS, RUNS);
        assert!(!ran.stdout.contains("it hides"), "{ran}");
        let ran = stand_ins.case(&["remove"]).run();
        assert!(
            ran.stdout.contains("/usr/lib/systemd/system/tailmint-up.service is in effect now, and is not enabled: systemctl enable --now tailmint-up.service\n"),
            "{ran}"
        );
    });
}

#[test]
fn this_machine_is_told_of_its_units() {
    on_this_machine(|stand_ins, local| {
        let install = |more: &[&str]| install_here(stand_ins, more);
        assert_snapshot!(install(&["--dry-run", "--enable"]), @"
        exit status: 0
        --- stdout
        /usr/local/lib/systemd/system/tailmint-up-stopped.target would be written
        /usr/local/lib/systemd/system/tailmint-up.timer would be written
        /usr/local/lib/tmpfiles.d/tailmint.conf would be written
        /usr/local/lib/systemd/system/tailmint-up.service would be written
        would run: systemctl daemon-reload
        would run: systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        would run: systemctl enable --now tailmint-up.service
        ");
        assert_eq!(fs::read_dir(local).unwrap().count(), 0);
        assert_eq!(stand_ins.calls(), "systemctl is-system-running\n");
        assert_snapshot!(install(&[]), @"
        exit status: 0
        --- stdout
        /usr/local/lib/systemd/system/tailmint-up-stopped.target is written
        /usr/local/lib/systemd/system/tailmint-up.timer is written
        /usr/local/lib/tmpfiles.d/tailmint.conf is written
        /usr/local/lib/systemd/system/tailmint-up.service is written
        ran: systemctl daemon-reload
        ran: systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        to join now and at each boot: systemctl enable --now tailmint-up.service
        ");
        let unit = local.join("systemd/system/tailmint-up.service");
        let text = fs::read_to_string(&unit).unwrap();
        assert!(text.contains("\nExecStart=/bin/sh up --keep"), "{text}");
        assert_snapshot!(install(&["--enable"]), @"
        exit status: 0
        --- stdout
        /usr/local/lib/systemd/system/tailmint-up-stopped.target is there already
        /usr/local/lib/systemd/system/tailmint-up.timer is there already
        /usr/local/lib/tmpfiles.d/tailmint.conf is there already
        /usr/local/lib/systemd/system/tailmint-up.service is there already
        ran: systemctl daemon-reload
        ran: systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        ran: systemctl enable --now tailmint-up.service
        ");
        assert_snapshot!(stand_ins.case(&["remove"]).run(), @"
        exit status: 0
        --- stdout
        ran: systemctl disable --now tailmint-up.service tailmint-up.timer tailmint-up-stopped.target
        /usr/local/lib/systemd/system/tailmint-up.service is removed
        /usr/local/lib/systemd/system/tailmint-up.timer is removed
        /usr/local/lib/systemd/system/tailmint-up-stopped.target is removed
        /usr/local/lib/tmpfiles.d/tailmint.conf is removed
        ran: systemctl daemon-reload
        the machine stays joined, and /etc/tailmint, /var/lib/tailmint and /etc/credstore.encrypted are as they were
        ");
        assert!(!unit.exists());
        assert_snapshot!(stand_ins.calls(), @"
        systemctl is-system-running
        systemctl is-system-running
        systemctl daemon-reload
        systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        systemctl is-system-running
        systemctl daemon-reload
        systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        systemctl enable --now tailmint-up.service
        systemctl is-system-running
        systemctl disable --now tailmint-up.service tailmint-up.timer tailmint-up-stopped.target
        systemctl daemon-reload
        ");
        // Where systemd fails, the files are there and it is said what is left to do.
        stand_ins.put(
            "systemctl",
            "[ $1 = is-system-running ] && echo running && exit\necho no bus >&2; exit 1",
        );
        assert_snapshot!(install(&[]), @"
        exit status: 1
        --- stdout
        /usr/local/lib/systemd/system/tailmint-up-stopped.target is written
        /usr/local/lib/systemd/system/tailmint-up.timer is written
        /usr/local/lib/tmpfiles.d/tailmint.conf is written
        /usr/local/lib/systemd/system/tailmint-up.service is written
        --- stderr
        error: the files are written: systemctl daemon-reload failed: no bus
        hint: mend that, then run: systemctl daemon-reload; systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/tailmint.conf
        ");
        assert!(unit.exists());
    });
}
