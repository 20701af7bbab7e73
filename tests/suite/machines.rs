//! `tailmint up` on machines as they are: late daemons, settings, names that are taken,
//! sessions that would be lost.

use insta::assert_snapshot;

use crate::{
    join::{NO_DAEMON, assert_no_key_is_left, assert_safe, start, up},
    ran::Ran,
    stand_in::{StandIn, running},
    world::World,
};

#[test]
fn a_daemon_that_listens_late_is_waited_for() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in.write("status.json", &running());
    stand_in.status(&format!(
        r#"if [ $(wc -l < "$here/status.calls") -lt 4 ]; then {NO_DAEMON}; fi"#
    ));
    let ran = up(&world, &stand_in, &["--timeout", "30s"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("was already connected"), "{ran}");
}

#[test]
fn a_daemon_without_a_network_is_waited_for_as_long_as_was_said() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NoState");
    let ran = up(&world, &stand_in, &["--timeout", "1s"]);
    assert_snapshot!(ran, @"
    exit status: 21
    --- stderr
    error: tailscaled was not ready within 1s: it is in the state NoState
    hint: see that this machine has a network; give it longer with --timeout
    ");
    assert_no_key_is_left(&world);
}

#[test]
fn a_running_node_gets_its_settings_without_a_key() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "Running");
    stand_in.write("status.json", &running());
    world.config("[profiles.bootstrap]\nup = [\"--reset\", \"--ssh\"]\n");
    std::fs::remove_dir_all(world.secrets()).unwrap();
    let ran = up(
        &world,
        &stand_in,
        &["--hostname", "db", "--", "--accept-routes"],
    );
    assert_snapshot!(ran, @"
    exit status: 0
    --- stdout
    a.example.ts.net was already connected, and has the settings: 100.64.0.1, fd7a:115c:a1e0::1, tag:tazpod
    ");
    assert_eq!(
        stand_in.calls()[0].argv,
        ["up", "--reset", "--ssh", "--hostname=db", "--accept-routes"]
    );
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn a_node_that_joins_gets_the_settings_of_its_profile() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    world.config("[profiles.bootstrap]\nup = [\"--ssh\", \"--accept-dns=false\"]\n");
    let ran = up(&world, &stand_in, &["--", "--hostname=db"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let argv = &stand_in.calls()[0].argv;
    assert!(
        argv.ends_with(&["--ssh", "--accept-dns=false", "--hostname=db"].map(str::to_owned)),
        "{argv:?}"
    );
}

#[test]
fn a_profile_cannot_set_what_is_not_the_users_to_give() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    world.config("[profiles.bootstrap]\nup = [\"--ssh\", \"--timeout=1s\"]\n");
    assert_snapshot!(up(&world, &stand_in, &[]), @r#"
    exit status: 2
    --- stderr
    error: [dir]/.config/tailmint/config.toml:2:6: --timeout is not passed on to tailscale up: give --timeout before the --
      |
    2 | up = ["--ssh", "--timeout=1s"]
      |      ^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: correct the file; docs/guide.md shows one
    "#);
    assert_no_key_is_left(&world);
}

/// `tailmint up` where `tailscale up` rejects what it is asked for, key or no key.
fn rejected(message: &str) -> Ran {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in.rehearsal(&format!("echo \"{message}\" >&2; exit 1"));
    let ran = up(&world, &stand_in, &[]);
    assert_eq!(stand_in.calls().len(), 0);
    assert_eq!(world.simulator.connections(), 0, "a key was minted in vain");
    ran
}

#[test]
fn settings_to_be_repeated_are_known_before_a_key_is_minted() {
    let ran = rejected(
        "Error: changing settings via 'tailscale up' requires mentioning all
non-default flags. To proceed, either re-run your command with --reset or
use the command below to explicitly mention the current value of
all non-default settings:

\ttailscale up --auth-key=file:/dev/null/no-key --accept-routes",
    );
    assert_snapshot!(ran, @"
    exit status: 21
    --- stderr
    error: the machine has settings that tailscale up wants repeated
      tailscale: Error: changing settings via 'tailscale up' requires mentioning all
      tailscale: non-default flags. To proceed, either re-run your command with --reset or
      tailscale: use the command below to explicitly mention the current value of
      tailscale: all non-default settings:
      tailscale: tailscale up --auth-key=file:/dev/null/no-key --accept-routes
    hint: give the flags that tailscale names, except --auth-key, after --, or as up = [...] in the profile; --reset drops all others
    ");
}

#[test]
fn a_user_who_may_not_is_known_before_a_key_is_minted() {
    assert_snapshot!(rejected("Access denied: checkprefs access denied"), @r#"
    exit status: 21
    --- stderr
    error: this user may not change tailscale on this machine
      tailscale: Access denied: checkprefs access denied
    hint: give --sudo, or once: sudo tailscale set --operator="$(id -un)"
    "#);
}

#[test]
fn a_flag_that_is_not_known_is_known_before_a_key_is_minted() {
    assert_snapshot!(rejected("flag provided but not defined: -sssh"), @"
    exit status: 21
    --- stderr
    error: tailscale up does not understand its arguments
      tailscale: flag provided but not defined: -sssh
    hint: see tailscale up --help; a tailscale that has no --auth-key must be updated
    ");
}

#[test]
fn the_user_has_a_name_even_where_the_environment_has_none() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    let ran = start(&world, &stand_in)
        .without_env("USER")
        .without_env("LOGNAME")
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_safe(&world, &stand_in);
    let id = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    let name = String::from_utf8(id.stdout).unwrap();
    let environment = &stand_in.calls()[0].environment;
    for variable in ["USER", "LOGNAME"] {
        let expected = format!("{variable}={}", name.trim());
        assert!(environment.contains(&expected), "{environment:?}");
    }
}

#[test]
fn a_session_over_the_tailnet_is_not_cut_off() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "Running");
    stand_in.write("status.json", &running());
    let over = |flags: &[&str]| {
        start(&world, &stand_in)
            .args(flags)
            .env("SSH_CLIENT", "100.64.0.7 51234 22")
            .run()
    };
    assert_snapshot!(over(&["--force"]), @"
    exit status: 21
    --- stderr
    error: this session comes over the tailnet, and logging in anew would cut it off
    hint: run it from elsewhere; or insist: -- --accept-risk=lose-ssh
    ");
    assert_eq!(stand_in.calls().len(), 0);
    assert_eq!(world.simulator.connections(), 0);
    let ran = over(&["--force", "--", "--accept-risk=lose-ssh"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // What needs no new login cuts nothing off.
    assert_eq!(over(&[]).code, 0);
}

#[test]
fn a_name_that_was_taken_is_warned_of() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    let renamed = running().replace("a.example.ts.net", "a-1.example.ts.net");
    stand_in.write("in.json", &renamed);
    let ran = up(&world, &stand_in, &["--json"]);
    assert_snapshot!(ran.stderr, @"warning: the name a was taken: the machine is a-1.example.ts.net");
    let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(result["host-name"], "a");
    assert_eq!(result["name"], "a-1.example.ts.net");
}

/// What `tailscale status` says of a machine that Tailnet Lock keeps out.
fn locked_out() -> String {
    running().replace(
        r#""Health":[]"#,
        r#""Health":["this node is locked out; it will not have connectivity until it is signed"]"#,
    )
}

#[test]
fn locked_out_is_not_joined() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in.write("in.json", &locked_out());
    assert_snapshot!(up(&world, &stand_in, &[]), @"
    exit status: 21
    --- stderr
    error: Tailnet Lock keeps the machine a.example.ts.net out: no other machine talks to it; key [key 1] has been revoked
      tailscale: this node is locked out; it will not have connectivity until it is signed
    hint: sign it on a signing machine: tailscale lock sign nodekey:ab
    ");
    assert_no_key_is_left(&world);
    // Nor is it when it is found so.
    let requests = world.simulator.requests().len();
    let ran = up(&world, &stand_in, &[]);
    assert_eq!(ran.code, 21, "{}", ran.stderr);
    assert_eq!(world.simulator.requests().len(), requests);
}

#[test]
fn a_cloned_machine_is_told_what_to_do() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in.up(
        "echo 'backend error: device with nodekey:ab already exists; please log out' >&2; exit 1",
    );
    assert_snapshot!(up(&world, &stand_in, &[]), @"
    exit status: 21
    --- stderr
    error: the control server knows another machine by this one's node key; key [key 1] has been revoked
      tailscale: backend error: device with nodekey:ab already exists; please log out
    hint: give --force, or log it out first: tailscale logout; in an image for many machines, empty /var/lib/tailscale
    ");
    assert_no_key_is_left(&world);
}

/// `tailmint up` for the machines in this list.
fn listed(list: &str, arguments: &[&str]) -> Ran {
    let world = World::new();
    world.write("hosts", list);
    let ran = world
        .tailmint(&["up", "--ssh-file"])
        .arg(world.path().join("hosts"))
        .args(arguments)
        .run();
    assert_eq!(world.simulator.connections(), 0);
    ran
}

#[test]
fn a_list_without_a_host() {
    assert_snapshot!(listed("# none yet\n\n", &[]), @"
    exit status: 2
    --- stderr
    error: there is no host in the list
    hint: give [USER@]HOST on a line of its own
    ");
}

#[test]
fn a_list_with_an_option_of_ssh_in_it() {
    assert_snapshot!(listed("root@db # the first\n-oProxyCommand=x\n", &[]), @"
    exit status: 2
    --- stderr
    error: [dir]/hosts:2: give [USER@]HOST, as for ssh
    hint: give a file with [USER@]HOST on each line
    ");
}

#[test]
fn one_name_for_several_machines() {
    assert_snapshot!(listed("root@db\nroot@web\n", &["--hostname", "db"]), @"
    exit status: 2
    --- stderr
    error: several machines cannot have one name
    hint: leave --hostname out: each has its own host name
    ");
}

#[test]
fn a_machine_that_the_policy_does_not_name_gets_no_key() {
    let world = World::new();
    let ssh = |host: &str| world.run(&["up", "--ssh", host]);
    assert_snapshot!(ssh("root@db"), @r#"
    exit status: 12
    --- stderr
    error: root@db: the policy lets no key be handed to it by ssh: host: "root@db" is not allowed
    hint: to allow it, add "root@db" to ssh.hosts in [dir]/.config/tailmint/policy.toml
    "#);
    world.policy("version = 1\n[ssh]\nhosts = [\"db\", \"me@web\"]\n");
    assert_eq!(ssh("root@web").code, 12);
    assert_eq!(ssh("you@web").code, 12);
    // Those that it names are asked, by an ssh that cannot find them.
    for host in ["db", "root@db", "me@web"] {
        assert_ne!(ssh(host).code, 12, "{host}");
    }
    world.policy("version = 1\n[ssh]\nhosts = [\"*\"]\n");
    assert_ne!(ssh("root@web").code, 12);
    assert_eq!(world.simulator.connections(), 0);
}
