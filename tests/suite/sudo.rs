//! What root does for the user who ran `sudo`, and another user does not.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use rustix::process::geteuid;

use crate::{
    case::Case,
    credential_files::{give_to, set_mode},
    ran::Ran,
    tailnet::{in_mount_namespace, is_really_root},
    world::World,
};

/// Who runs `sudo`.
const ME: u32 = 12345;

/// Whom `sudo -u` names.
const OTHER: u32 = 12346;

/// A machine with a user who has secrets, and another; root and they have homes here.
struct Machine {
    world: World,
}

impl Machine {
    fn new() -> Self {
        let world = World::new();
        let users = [("root", 0), ("me", ME), ("other", OTHER)];
        let users = users.map(|(name, uid)| {
            let home = world.path().join(name);
            fs::create_dir(&home).unwrap();
            format!("{name}:x:{uid}:{uid}::{}:/bin/sh\n", home.display())
        });
        let table = world.write("passwd", &users.concat());
        let mounted = Command::new("mount")
            .arg("--bind")
            .args([table, "/etc/passwd".into()])
            .status()
            .unwrap();
        assert!(mounted.success());
        let machine = Self { world };
        fs::rename(machine.world.secrets(), machine.home("me").join("secrets")).unwrap();
        machine.write("me", ".config/tailmint/config.toml", CONFIG);
        machine.write("me", ".config/tailmint/policy.toml", POLICY);
        machine.is_mine();
        give_to(OTHER, &machine.home("other"));
        set_mode(machine.world.path(), 0o755);
        machine
    }

    fn home(&self, name: &str) -> PathBuf {
        self.world.path().join(name)
    }

    fn write(&self, home: &str, name: &str, text: &str) {
        let path = self.home(home).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As the user has it who created it all.
    fn is_mine(&self) {
        give_to(ME, &self.home("me"));
    }

    /// `sudo tailmint`, with the home that `sudo` leaves in the environment.
    fn sudo(&self, home: &str, arguments: &[&str]) -> Case<'_> {
        let case = self.world.bare(arguments).arg("--connect-to");
        let case = case.arg(self.world.simulator.address().to_string());
        let case = case.arg("--ca-file").arg(self.world.path().join("ca.pem"));
        case.env("HOME", self.home(home))
            .env("SUDO_UID", ME.to_string())
            .env("SUDO_USER", "me")
    }

    /// The owners of all that is in the user's home.
    fn owners_at_home(&self) -> Vec<u32> {
        fn collect(path: &Path, owners: &mut Vec<u32>) {
            owners.push(path.symlink_metadata().unwrap().uid());
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    collect(&entry.unwrap().path(), owners);
                }
            }
        }
        let mut owners = Vec::new();
        collect(&self.home("me"), &mut owners);
        owners.dedup();
        owners
    }

    fn minted(&self, ran: &Ran) {
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let requests = self.world.simulator.requests();
        // As the user's configuration says.
        assert!(
            requests
                .last()
                .unwrap()
                .body
                .contains(r#""expirySeconds":300"#)
        );
        assert_eq!(self.owners_at_home(), [ME]);
        let log = self.home("root").join(".local/state/tailmint/audit.jsonl");
        assert_eq!(log.metadata().unwrap().uid(), 0);
    }
}

const CONFIG: &str = "[profiles.bootstrap]\nexpiry = \"5m\"\n";

const POLICY: &str = "version = 1\n[rule.create-auth-key.key]\nmax-expiry = \"10m\"\n";

/// Runs the test on such a machine.
fn on_a_machine(test: fn(&Machine)) {
    if !is_really_root() {
        println!("skipped: it takes root, not user {}", geteuid().as_raw());
        return;
    }
    in_mount_namespace(|| test(&Machine::new()));
}

#[test]
fn sudo_uses_the_files_of_its_user_and_leaves_nothing_at_their_home() {
    on_a_machine(|machine| {
        machine.minted(&machine.sudo("root", &["mint"]).run());
        // Their policy holds too.
        let ran = machine.sudo("root", &["mint", "--expiry", "11m"]).run();
        assert_eq!(ran.code, 12, "{}", ran.stderr);
    });
}

#[test]
fn sudo_that_keeps_home_leaves_nothing_there() {
    on_a_machine(|machine| {
        let ran = machine.sudo("me", &["mint"]);
        let state = machine.home("me").join("state");
        machine.minted(&ran.env("XDG_STATE_HOME", state).run());
    });
}

#[test]
fn sudo_uses_files_that_are_open_as_long_as_they_are_the_users() {
    on_a_machine(|machine| {
        set_mode(&machine.home("me").join("secrets"), 0o755);
        machine.minted(&machine.sudo("root", &["mint"]).run());
    });
}

/// Whoever may run tailmint as root, and no more, gets at nothing through it.
#[test]
fn the_users_files_lead_root_to_no_others() {
    on_a_machine(|machine| {
        let secrets = machine.home("me").join("secrets");
        let elsewhere = machine.home("other").join("secrets");
        fs::rename(&secrets, &elsewhere).unwrap();
        give_to(OTHER, &elsewhere);
        set_mode(&elsewhere, 0o700);
        symlink(&elsewhere, &secrets).unwrap();
        assert_snapshot!(machine.sudo("root", &["mint"]).run(), @"
        exit status: 10
        --- stderr
        error: [dir]/me/secrets/tailscale-oauth-client-id: it belongs to user 12346, and root reads here what user 12345 owns, nothing else
        hint: let it belong to user 12345, or give another directory with --secrets-dir
        ");
        fs::remove_file(&secrets).unwrap();
        let text = format!("secrets-dir = {elsewhere:?}\n{CONFIG}");
        machine.write("me", ".config/tailmint/config.toml", &text);
        machine.is_mine();
        for owner in [OTHER, 0] {
            give_to(owner, &elsewhere);
            let ran = machine.sudo("root", &["mint"]).run();
            let told = format!("it belongs to user {owner}, and root reads here");
            assert!(ran.stderr.contains(&told), "{}", ran.stderr);
        }
        let explicit = machine.sudo("root", &["mint"]).arg("--secrets-dir");
        assert_eq!(explicit.arg(&elsewhere).run().code, 0);
        assert_eq!(machine.world.simulator.keys().len(), 1);
    });
}

#[test]
fn doas_is_the_same() {
    on_a_machine(|machine| {
        let case = machine.sudo("root", &["mint"]);
        let case = case.without_env("SUDO_UID").without_env("SUDO_USER");
        machine.minted(&case.env("DOAS_USER", "me").run());
    });
}

/// Who may run tailmint as root gets nothing else run as root.
#[test]
fn commands_of_the_user_are_run_as_the_user() {
    on_a_machine(|machine| {
        let secret = machine
            .home("me")
            .join("secrets/tailscale-oauth-client-secret");
        let program = machine.home("me").join("keep");
        let script = format!(
            "#!/bin/sh\nid -u > ~/uid\nid -G > ~/groups\nexec cat {}\n",
            secret.display()
        );
        machine.write("me", "keep", &script);
        let config = format!("{CONFIG}secret-command = [{program:?}]\n");
        machine.write("me", ".config/tailmint/config.toml", &config);
        let policy = format!("version = 1\n[credentials]\ncommands = [{program:?}]\n");
        machine.write("me", ".config/tailmint/policy.toml", &policy);
        machine.is_mine();
        set_mode(&program, 0o755);
        machine.minted(&machine.sudo("root", &["mint"]).run());
        for name in ["uid", "groups"] {
            let found = fs::read_to_string(machine.home("me").join(name)).unwrap();
            assert_eq!(found.trim(), ME.to_string(), "{name}");
        }
    });
}

#[test]
fn roots_own_files_come_first() {
    on_a_machine(|machine| {
        fs::create_dir(machine.home("root").join("secrets")).unwrap();
        assert_snapshot!(machine.sudo("root", &["mint"]).run(), @"
        exit status: 10
        --- stderr
        error: no credential found: expected the files [dir]/root/secrets/tailscale-oauth-client-id and [dir]/root/secrets/tailscale-oauth-client-secret, or tailscale-api-key and tailscale-tailnet beside them, or the variables $TAILSCALE_API_KEY and $TAILSCALE_TAILNET
        hint: put the OAuth client's id and secret there, mode 0600, or give --secrets-dir
        ");
    });
}

#[test]
fn root_does_not_believe_a_configuration_that_others_may_write() {
    on_a_machine(|machine| {
        let path = machine.home("me").join(".config/tailmint/config.toml");
        set_mode(&path, 0o666);
        assert_snapshot!(machine.sudo("root", &["mint"]).run(), @"
        exit status: 2
        --- stderr
        error: [dir]/me/.config/tailmint/config.toml is not for root to believe: its mode is 0666: others may write it
        hint: let it belong to user 12345 and let nobody else write it, or give --config FILE
        ");
        set_mode(&path, 0o644);
        give_to(OTHER, &path);
        assert_snapshot!(machine.sudo("root", &["mint"]).run(), @"
        exit status: 2
        --- stderr
        error: [dir]/me/.config/tailmint/config.toml is not for root to believe: it belongs to user 12346
        hint: let it belong to user 12345 and let nobody else write it, or give --config FILE
        ");
    });
}

#[test]
fn what_only_root_may_read_is_not_shown_to_the_user() {
    on_a_machine(|machine| {
        for name in ["config.toml", "policy.toml"] {
            let shadow = machine.world.write("shadow", "root:$y$hash:19000\n");
            set_mode(&shadow, 0o600);
            let link = machine.home("me").join(".config/tailmint").join(name);
            fs::remove_file(&link).unwrap();
            symlink(&shadow, &link).unwrap();
            let ran = machine.sudo("root", &["mint"]).run();
            assert_ne!(ran.code, 0);
            assert!(!ran.stderr.contains("hash"), "{}", ran.stderr);
            assert!(
                ran.stderr.contains("only root may read it"),
                "{}",
                ran.stderr
            );
            fs::remove_file(&link).unwrap();
            fs::write(
                &link,
                if name == "config.toml" {
                    CONFIG
                } else {
                    POLICY
                },
            )
            .unwrap();
            machine.is_mine();
        }
    });
}

#[test]
fn sudo_to_another_user_reads_nothing_of_its_users() {
    on_a_machine(|machine| {
        // Nothing but the owner keeps the other out.
        set_mode(&machine.home("me").join("secrets"), 0o755);
        for (index, home) in ["me", "other"].into_iter().enumerate() {
            let program = machine.world.path().join(format!("tailmint-{index}"));
            let ran = machine.sudo(home, &["mint"]).of_user(OTHER, &program).run();
            assert_eq!(ran.code, 10, "{}", ran.stderr);
            let wanted = machine.home("other").join("secrets");
            assert!(
                ran.stderr.contains(wanted.to_str().unwrap()),
                "{}",
                ran.stderr
            );
        }
        assert_eq!(machine.owners_at_home(), [ME]);
        assert_eq!(machine.world.simulator.connections(), 0);
    });
}

#[test]
fn who_says_to_be_someone_elses_sudo_reads_nothing_of_theirs() {
    on_a_machine(|machine| {
        let program = machine.world.path().join("tailmint");
        let case = machine.sudo("other", &["mint"]).env("SUDO_UID", "0");
        let ran = case.of_user(OTHER, &program).run();
        assert_eq!(ran.code, 10, "{}", ran.stderr);
    });
}

/// Files of root's log would be removed, and its lines be sent where the user listens.
#[test]
fn the_users_configuration_has_no_say_in_the_audit_log_of_root() {
    on_a_machine(|machine| {
        let socket = machine.home("me").join("socket").display().to_string();
        let audit = format!(
            "[audit]\nrotate-days = 1\nkeep = 1\nship = \"syslog\"\nship-socket = \"{socket}\"\n"
        );
        let config = format!("{CONFIG}\n{audit}");
        machine.write("me", ".config/tailmint/config.toml", &config);
        machine.is_mine();
        let ran = machine.sudo("root", &["mint"]).run();
        machine.minted(&ran);
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
        let state = machine.home("root").join(".local/state/tailmint");
        assert!(state.join("audit.jsonl").exists());
        assert!(!state.join("audit.shipped").exists());
        let ran = machine.sudo("root", &["audit", "ship"]).run();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        // Root's own has.
        machine.write("root", ".config/tailmint/config.toml", &audit);
        let ran = machine.sudo("root", &["audit", "ship"]).run();
        assert_eq!(ran.code, 11, "{}", ran.stderr);
    });
}

#[test]
fn clients_that_sudo_creates_are_in_files_of_its_user() {
    on_a_machine(|machine| {
        let case = machine.sudo("root", &["clients", "rotate"]);
        let case = case.env("TAILSCALE_API_KEY", machine.world.simulator.api_key());
        let ran = case.env("TAILSCALE_TAILNET", "-").run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(machine.owners_at_home(), [ME]);
        machine.minted(&machine.sudo("root", &["mint"]).run());
    });
}
