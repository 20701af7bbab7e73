//! Networks as they are: name servers and addresses that respond late, wrongly or not at
//! all. Each state has a network namespace of its own with a name server, and machines at
//! public addresses in it. There, curl reaches the API or does not: where it does,
//! `tailmint` does too.
//!
//! `cargo test -p tailmint-cli --test suite network -- --nocapture` shows the table of one
//! C library; with `--target x86_64-unknown-linux-musl`, that of the other.

mod machine;
mod name_server;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use machine::Machine::{self, Api, Drops, Refuses, Unreachable};
use name_server::{
    NXDOMAIN, NameServer, SERVFAIL,
    Says::{self, Addresses, Garbage, Late, Nothing, SecondTime, Silence, Truncated},
};

use crate::{case::Case, ran::Ran, tailnet::in_network_namespace, world::World};

/// What the network is like.
struct State {
    /// In the order in which the machine asks them. One that is named and not here has
    /// nobody at its address.
    servers: &'static [NameServer],
    /// Where the machine finds them, where that is not one after the other.
    resolv_conf: Option<&'static str>,
    machines: &'static [(&'static str, Machine)],
    /// How it ends.
    ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// It is reached before a name server that is silent would be given up.
    Soon,
    /// It is reached.
    Later,
    /// Nobody reaches it.
    Unreached,
}
use Ends::{Later, Soon, Unreached};

const V4: &str = "192.200.0.101";
const V4_OTHER: &str = "192.200.0.102";
const V4_THIRD: &str = "192.200.0.103";
const V6: &str = "2606:b740:49::1";
const V6_OTHER: &str = "2606:b740:49::2";

const ONE: &str = "127.0.0.2";
const TWO: &str = "127.0.0.3";

const A: Says = Addresses(&[V4]);
const AAAA: Says = Addresses(&[V6]);
const FIT: NameServer = NameServer(ONE, A, AAAA);
const SILENT: NameServer = NameServer(ONE, Silence, Silence);
const BOTH: &[(&str, Machine)] = &[(V4, Api), (V6, Api)];

const USUAL: State = State {
    servers: &[FIT],
    resolv_conf: None,
    machines: BOTH,
    ends: Soon,
};

/// A test for each state, so that they run side by side.
macro_rules! states {
    ($($name:ident: $state:expr;)+) => {$(
        #[test]
        fn $name() {
            hold_beside_curl(stringify!($name), &$state);
        }
    )+};
}

states! {
    all_is_well: USUAL;
    ipv4_only: State { servers: &[NameServer(ONE, A, Nothing)], ..USUAL };
    ipv6_only: State { servers: &[NameServer(ONE, Nothing, AAAA)], ..USUAL };
    ipv6_names_fail: State { servers: &[NameServer(ONE, A, SERVFAIL)], ..USUAL };
    ipv6_names_do_not_exist: State { servers: &[NameServer(ONE, A, NXDOMAIN)], ..USUAL };
    ipv6_names_are_silent: State { servers: &[NameServer(ONE, A, Silence)], ..USUAL };
    ipv6_names_are_garbage: State { servers: &[NameServer(ONE, A, Garbage)], ..USUAL };
    ipv6_names_are_ipv4: State { servers: &[NameServer(ONE, A, A)], ..USUAL };
    ipv4_names_fail: State { servers: &[NameServer(ONE, SERVFAIL, AAAA)], ..USUAL };
    ipv4_names_do_not_exist: State { servers: &[NameServer(ONE, NXDOMAIN, AAAA)], ..USUAL };
    ipv4_names_are_silent: State { servers: &[NameServer(ONE, Silence, AAAA)], ..USUAL };
    names_are_late: State {
        servers: &[NameServer(ONE, Late(4, &[V4]), Late(3, &[V6]))],
        ends: Later,
        ..USUAL
    };
    questions_are_lost: State {
        servers: &[NameServer(ONE, SecondTime(&[V4]), SecondTime(&[V6]))],
        ends: Later,
        ..USUAL
    };
    names_are_long: State {
        servers: &[NameServer(ONE, Truncated(&[V4]), Truncated(&[V6]))],
        ..USUAL
    };
    the_first_server_is_silent: State {
        servers: &[SILENT, NameServer(TWO, A, AAAA)],
        ends: Later,
        ..USUAL
    };
    the_first_server_is_silent_and_the_second_loses_a_question: State {
        servers: &[SILENT, NameServer(TWO, SecondTime(&[V4]), SecondTime(&[V6]))],
        ends: Later,
        ..USUAL
    };
    the_first_server_is_not_there: State {
        servers: &[NameServer(TWO, A, AAAA)],
        resolv_conf: Some("nameserver 127.0.0.2\nnameserver 127.0.0.3\n"),
        ..USUAL
    };
    the_first_server_fails: State {
        servers: &[NameServer(ONE, SERVFAIL, SERVFAIL), NameServer(TWO, A, AAAA)],
        ..USUAL
    };
    no_server_responds: State { servers: &[SILENT], ends: Unreached, ..USUAL };
    ipv6_is_dropped: State { machines: &[(V4, Api), (V6, Drops)], ..USUAL };
    ipv6_is_rejected: State { machines: &[(V4, Api), (V6, Refuses)], ..USUAL };
    ipv6_has_no_route: State { machines: &[(V4, Api), (V6, Unreachable)], ..USUAL };
    ipv4_is_dropped: State { machines: &[(V4, Drops), (V6, Api)], ..USUAL };
    ipv4_has_no_route: State { machines: &[(V4, Unreachable), (V6, Api)], ..USUAL };
    the_first_address_is_rejected: State {
        servers: &[NameServer(ONE, Addresses(&[V4, V4_OTHER]), Nothing)],
        machines: &[(V4, Refuses), (V4_OTHER, Api)],
        ..USUAL
    };
    the_second_address_is_rejected: State {
        servers: &[NameServer(ONE, Addresses(&[V4, V4_OTHER]), Nothing)],
        machines: &[(V4, Api), (V4_OTHER, Refuses)],
        ..USUAL
    };
    the_first_address_is_dropped: State {
        servers: &[NameServer(ONE, Addresses(&[V4, V4_OTHER]), Nothing)],
        machines: &[(V4, Drops), (V4_OTHER, Api)],
        ..USUAL
    };
    all_but_one_are_dropped: State {
        servers: &[NameServer(
            ONE,
            Addresses(&[V4, V4_OTHER, V4_THIRD]),
            Addresses(&[V6, V6_OTHER]),
        )],
        machines: &[
            (V4, Drops),
            (V4_OTHER, Drops),
            (V4_THIRD, Api),
            (V6, Drops),
            (V6_OTHER, Drops),
        ],
        ..USUAL
    };
    nobody_listens: State {
        machines: &[(V4, Refuses), (V6, Refuses)],
        ends: Unreached,
        ..USUAL
    };
}

/// A name server that is silent is given up after 5 s.
const SOON: Duration = Duration::from_millis(4500);

fn hold_beside_curl(name: &str, state: &State) {
    in_network_namespace(|| {
        let world = prepare(state);
        // One after the other: some servers respond to every other question only.
        let (ran, took) = timed(|| mint(&world, &[]).run());
        let (curl_reaches, curl_took) = timed(|| curl(&world, ran.code == 0));
        let said = |reaches| if reaches { "reaches it" } else { "does not" };
        let library = if cfg!(target_env = "musl") {
            "musl"
        } else {
            "glibc"
        };
        println!(
            "{name}: tailmint ({library}) {} in {took:.1?}, curl {} in {curl_took:.1?}",
            said(ran.code == 0),
            said(curl_reaches)
        );
        assert!(
            ran.code == 0 || !curl_reaches,
            "curl reaches it: {}",
            ran.stderr
        );
        match state.ends {
            Unreached => assert_eq!(ran.code, 15, "{}", ran.stderr),
            Later => assert_eq!(ran.code, 0, "{}", ran.stderr),
            Soon => {
                assert_eq!(ran.code, 0, "{}", ran.stderr);
                assert!(took < SOON, "{took:?}");
            }
        }
    });
}

/// Starts what the state has, and leads the machine to its name servers.
fn prepare(state: &State) -> World {
    let world = World::new();
    for server in state.servers {
        server.start();
    }
    for (address, machine) in state.machines {
        machine.start(address, world.simulator.address());
    }
    let in_turn = || {
        let lines = state
            .servers
            .iter()
            .map(|it| format!("nameserver {}\n", it.0));
        lines.collect::<Vec<_>>().concat()
    };
    let servers = state.resolv_conf.map_or_else(in_turn, str::to_owned);
    mount(&world, "/etc/resolv.conf", &servers);
    mount(&world, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    mount(
        &world,
        "/etc/nsswitch.conf",
        "passwd: files\nhosts: files dns\n",
    );
    world
}

fn mount(world: &World, path: &str, text: &str) {
    let file = world.write(&path.replace('/', "-"), text);
    // What is mounted over has to be there, and no link.
    let path = fs::canonicalize(path).unwrap();
    let mounted = Command::new("mount")
        .arg("--bind")
        .arg(file)
        .arg(&path)
        .status();
    assert!(
        mounted.unwrap().success(),
        "{} cannot be replaced",
        path.display()
    );
}

/// `tailmint mint`, led nowhere.
fn mint<'a>(world: &'a World, more: &[&str]) -> Case<'a> {
    world
        .bare(&["mint", "--secrets-dir"])
        .arg(world.secrets())
        .arg("--ca-file")
        .arg(world.path().join("ca.pem"))
        .args(more)
        .env("HOME", world.path())
}

/// Whether curl has a response from the API in time: longer than `tailmint` tries, or a
/// moment where that reached it already.
fn curl(world: &World, is_reached: bool) -> bool {
    let limit = if is_reached { "6" } else { "30" };
    let key = format!("user = \"{}:\"\n", world.simulator.api_key());
    let status = Command::new("curl")
        .args([
            "--silent",
            "--output",
            "/dev/null",
            "--max-time",
            limit,
            "--config",
        ])
        .arg(world.write("curl", &key))
        .arg("--cacert")
        .arg(world.path().join("ca.pem"))
        .arg("https://api.tailscale.com/api/v2/tailnet/-/keys")
        .env_clear()
        .stdin(Stdio::null())
        .status();
    status.unwrap().success()
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (run(), begun.elapsed())
}

/// Mints where the name leads to this address.
fn led_to(address: &'static str, policy: &str, then: impl FnOnce(&World, Ran)) {
    in_network_namespace(|| {
        let world = prepare(&State {
            servers: &[],
            machines: &[],
            ..USUAL
        });
        let text = format!("{address} api.tailscale.com\n");
        mount(&world, "/etc/hosts", &text);
        let policy = world.write("policy.toml", &format!("version = 1\n{policy}"));
        let ran = mint(&world, &["--policy", policy.to_str().unwrap()]).run();
        then(&world, ran);
    });
}

#[test]
fn an_address_of_a_dns_blocker_is_named() {
    led_to("0.0.0.0", "", |_, ran| {
        assert_snapshot!(ran, @"
        exit status: 15
        --- stderr
        error: the API cannot be reached (api.tailscale.com leads to 0.0.0.0, which is not public: no address at all, which is how DNS blockers respond)
        hint: nothing was sent; let the DNS blocker (such as AdGuard, or a hosts file) allow the name
        ");
    });
}

#[test]
fn an_address_of_this_machine_is_named() {
    led_to("127.0.0.1", "", |_, ran| {
        assert_snapshot!(ran, @"
        exit status: 15
        --- stderr
        error: the API cannot be reached (api.tailscale.com leads to 127.0.0.1, which is not public: loopback)
        hint: nothing was sent; see whether /etc/hosts has the name; if that address is meant, give --connect-to 127.0.0.1:443
        ");
    });
}

#[test]
fn an_address_of_a_private_network_is_named() {
    led_to("10.1.2.3", "", |_, ran| {
        assert_snapshot!(ran, @"
        exit status: 15
        --- stderr
        error: the API cannot be reached (api.tailscale.com leads to 10.1.2.3, which is not public: private)
        hint: nothing was sent; see whether the name server of this network, or a VPN's, has an entry of its own for the name; if that address is meant, give --connect-to 10.1.2.3:443
        ");
    });
}

#[test]
fn a_fake_address_of_a_proxy_is_named() {
    led_to("198.18.0.7", "", |_, ran| {
        assert_snapshot!(ran, @r#"
        exit status: 15
        --- stderr
        error: the API cannot be reached (api.tailscale.com leads to 198.18.0.7, which is not public: a fake address, as proxies such as Clash and sing-box give out in fake-IP mode)
        hint: nothing was sent; exclude the name from the proxy's fake addresses, or set trust.fake-addresses to "allow" in the policy; if that address is meant, give --connect-to 198.18.0.7:443
        "#);
    });
}

#[test]
fn a_fake_address_of_a_proxy_is_used_where_the_policy_lets_it() {
    let allow = "[trust]\nfake-addresses = \"allow\"\n";
    led_to("198.18.0.7", allow, |world, ran| {
        // Nobody is there yet.
        assert_eq!(ran.code, 15, "{}", ran.stderr);
        Api.start("198.18.0.7", world.simulator.address());
        let policy = world.path().join("policy.toml");
        let ran = mint(world, &["--policy", policy.to_str().unwrap()]).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    });
}

/// A prefix of NAT64 leads on to public addresses: here, to the API.
#[test]
fn nat64_leads_to_the_api() {
    led_to("64:ff9b::c0c8:65", "", |world, _| {
        Api.start("64:ff9b::c0c8:65", world.simulator.address());
        let ran = mint(world, &[]).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    });
}
