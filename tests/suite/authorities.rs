//! Which certificate authorities are trusted: those in the program, in a file, or the
//! system's.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::{case::Case, ran::Ran, world::World};

/// `tailmint` led to the simulator by everything but what it trusts.
fn led<'a>(world: &'a World, arguments: &[&str]) -> Case<'a> {
    world
        .bare(&["--secrets-dir"])
        .arg(world.secrets())
        .arg("--connect-to")
        .arg(world.simulator.address().to_string())
        .args(arguments)
        .env("HOME", world.path())
}

fn assert_minted(world: &World, ran: &Ran) {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys().len(), 1);
}

/// The configuration, and a policy that lets it say what to trust, or does not.
fn configured(world: &World, config: &str, policy: &str) -> Ran {
    let config = world.write("config.toml", config);
    let policy = world.write("policy.toml", &format!("version = 1\n{policy}"));
    led(world, &["mint", "--config"])
        .arg(config)
        .arg("--policy")
        .arg(policy)
        .env("SSL_CERT_FILE", world.path().join("ca.pem"))
        .run()
}

#[test]
fn the_authorities_of_the_system_are_trusted_where_the_flag_says_so() {
    let world = World::new();
    let ran = led(&world, &["mint", "--system-certs"])
        .env("SSL_CERT_FILE", world.path().join("ca.pem"))
        .run();
    assert_minted(&world, &ran);
    let audit = world.run(&["audit", "show", "--json"]).stdout;
    let entries = audit.matches(r#""ca_file":"the system's certificates""#);
    assert_eq!(entries.count(), audit.lines().count(), "{audit}");
}

#[test]
fn the_hint_names_the_authorities_of_the_system_and_the_variable_that_is_not_read() {
    let world = World::new();
    let ran = led(&world, &["mint"])
        .env("SSL_CERT_FILE", world.path().join("ca.pem"))
        .run();
    assert_snapshot!(ran, @"
    exit status: 15
    --- stderr
    error: the request for an access token failed: the certificate is not valid (api.tailscale.com is not trusted: its certificate is from an authority that is not trusted)
    hint: see whether a proxy with a certificate of its own stands between; if it may, trust its authority: --system-certs, or --ca-file FILE; $SSL_CERT_FILE is read with --system-certs only
    ");
    let ran = led(&world, &["check"]).run();
    let hint = "it may, trust its authority: --system-certs, or --ca-file FILE\n";
    assert!(ran.stdout.contains(hint), "{}", ran.stdout);
}

#[test]
fn a_system_without_authorities_is_told_what_to_install() {
    let world = World::new();
    let ran = led(&world, &["mint", "--system-certs"])
        .env("SSL_CERT_FILE", world.write("empty.pem", ""))
        .run();
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: the system's certificate authorities cannot be used: there are none
    hint: install them (the package ca-certificates), or set SSL_CERT_FILE to a PEM file that has them
    ");
}

#[test]
fn the_authorities_of_the_system_and_of_a_file_are_not_both_trusted() {
    let world = World::new();
    let ran = led(&world, &["mint", "--system-certs", "--ca-file", "ca.pem"]).run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
}

#[test]
fn a_configuration_names_authorities_only_where_the_policy_lets_it() {
    let file = |world: &World| {
        let path = world.path().join("ca.pem");
        format!("ca-file = {:?}\n", path.to_str().unwrap())
    };
    let allow = "[trust]\nconfigured = \"allow\"\n";
    let world = World::new();
    assert_minted(&world, &configured(&world, &file(&world), allow));
    let world = World::new();
    assert_minted(&world, &configured(&world, "system-certs = true\n", allow));
    let world = World::new();
    let ran = configured(&world, "system-certs = true\n", "");
    assert_snapshot!(ran, @r#"
    exit status: 11
    --- stderr
    error: the policy does not allow certificate authorities from the configuration file
    hint: to allow it, set trust.configured to "allow" in [dir]/policy.toml
    "#);
    assert_eq!(configured(&world, &file(&world), "").code, 11);
    assert_eq!(world.simulator.connections(), 0);
    // The check says the same, and a flag is stronger than the file.
    let ran = led(&world, &["check", "--config"])
        .arg(world.path().join("config.toml"))
        .run();
    assert!(
        ran.stdout.contains("authorities from the configuration"),
        "{}",
        ran.stdout
    );
    let ran = led(&world, &["mint", "--config"])
        .arg(world.path().join("config.toml"))
        .arg("--ca-file")
        .arg(world.path().join("ca.pem"))
        .run();
    assert_minted(&world, &ran);
}

#[test]
fn the_policy_can_forbid_the_authorities_of_the_system() {
    let world = World::new();
    let policy = world.write(
        "p.toml",
        "version = 1\n[trust]\nsystem-certs = \"forbid\"\n",
    );
    let ran = led(&world, &["mint", "--system-certs", "--policy"])
        .arg(policy)
        .env("SSL_CERT_FILE", world.path().join("ca.pem"))
        .run();
    assert_snapshot!(ran, @r#"
    exit status: 11
    --- stderr
    error: the policy does not allow the system's certificate authorities
    hint: to allow it, set trust.system-certs to "allow" in [dir]/p.toml
    "#);
}

#[test]
fn a_file_of_authorities_that_others_can_change_is_an_error() {
    let world = World::new();
    let path = world.path().join("ca.pem");
    let writable = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&path, writable).unwrap();
    assert_snapshot!(world.run(&["mint"]), @"
    exit status: 2
    --- stderr
    error: the file of certificate authorities [dir]/ca.pem: its mode is 0666: others may write it
    hint: run: chmod go-w [dir]/ca.pem
    ");
    assert_eq!(world.simulator.connections(), 0);
}
