//! A proxy that makes the connection to the API.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use insta::assert_snapshot;
use serde_json::Value;
use tailmint::connection::{Proxy, Trust};
use tailmint::{KeyProperties, Minter};

use crate::{
    case::Case,
    ran::Ran,
    stand_in::StandIn,
    world::{World, holds},
};

/// A proxy that leads wherever it is asked for to one place, or refuses.
struct Tunnels {
    address: SocketAddr,
    /// What it was told, one text for each connection, up to the tunnel.
    heads: Arc<Mutex<Vec<String>>>,
    /// What went through the tunnels towards the API.
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Tunnels {
    fn new(answer: &'static str, to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tunnels = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            bytes: Arc::default(),
        };
        let (heads, bytes) = (tunnels.heads.clone(), tunnels.bytes.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let head = head(&mut client);
                heads.lock().unwrap().push(head);
                client.write_all(answer.as_bytes()).unwrap();
                if answer.contains(" 200 ") {
                    tunnel(&client, to, bytes.clone());
                }
            }
        });
        tunnels
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn mint(&self, world: &World, userinfo: &str, more: &[&str]) -> Ran {
        let url = format!("http://{userinfo}{}", self.address);
        mint(world, more).env("HTTPS_PROXY", url).run()
    }
}

/// `tailmint mint` without a flag that leads it to the simulator.
fn mint<'a>(world: &'a World, more: &[&str]) -> Case<'a> {
    world
        .bare(&["mint", "--secrets-dir"])
        .arg(world.secrets())
        .arg("--ca-file")
        .arg(world.path().join("ca.pem"))
        .args(more)
        .env("HOME", world.path())
}

fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn tunnel(client: &TcpStream, to: SocketAddr, seen: Arc<Mutex<Vec<u8>>>) {
    let server = TcpStream::connect(to).unwrap();
    let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            seen.lock().unwrap().extend_from_slice(&buffer[..read]);
            if into.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        into.shutdown(Shutdown::Write).ok();
    });
    let (mut from, mut into) = (server, client.try_clone().unwrap());
    thread::spawn(move || {
        io::copy(&mut from, &mut into).ok();
        into.shutdown(Shutdown::Write).ok();
    });
}

fn audit(world: &World) -> Vec<Value> {
    let shown = world.run(&["audit", "show", "--json"]).stdout;
    shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[test]
fn mints_through_one_tunnel_that_shows_no_secret() {
    let world = World::new();
    let proxy = Tunnels::new(ESTABLISHED, world.simulator.address());
    let ran = proxy.mint(&world, "", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys().len(), 1);
    assert_eq!(
        proxy.heads(),
        ["CONNECT api.tailscale.com:443 HTTP/1.1\r\nHost: api.tailscale.com:443\r\n\r\n"]
    );
    let bytes = proxy.bytes.lock().unwrap();
    assert!(!bytes.is_empty());
    for secret in world.all_secrets() {
        assert!(!holds(&bytes, &secret), "a secret in the tunnel");
    }
    let lines = audit(&world);
    assert_eq!(lines.len(), 4);
    for line in lines {
        assert_eq!(line["proxy"], format!("http://{}", proxy.address));
        assert_eq!(line["connect_to"], Value::Null);
    }
}

#[test]
fn what_the_proxy_is_told_about_the_user_is_told_to_nobody_else() {
    let world = World::new();
    let proxy = Tunnels::new(ESTABLISHED, world.simulator.address());
    let ran = proxy.mint(&world, "someone:hunter2hunter2%21@", &["--verbose"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let encoded = BASE64_STANDARD.encode("someone:hunter2hunter2!");
    let expected = format!("\r\nProxy-Authorization: Basic {encoded}\r\n");
    assert!(proxy.heads()[0].contains(&expected), "{:?}", proxy.heads());
    let file = world.path().join(".local/state/tailmint/audit.jsonl");
    let written = std::fs::read_to_string(file).unwrap();
    for text in [&ran.stdout, &ran.stderr, &written] {
        assert!(
            !text.contains("hunter2") && !text.contains(&encoded),
            "{text}"
        );
    }
    for request in world.simulator.requests() {
        assert_eq!(request.header("proxy-authorization"), None);
    }
}

#[test]
fn what_a_proxy_refuses_is_told_with_a_hint() {
    for (answer, said) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "authorization required",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "unsuccessful"),
        ("SSH-2.0-OpenSSH_10.0\r\n", "unsuccessful"),
        ("", "unexpected end of file"),
    ] {
        let world = World::new();
        let proxy = Tunnels::new(answer, world.simulator.address());
        let ran = proxy.mint(&world, "someone:hunter2hunter2@", &[]);
        assert_eq!(ran.code, 15, "{answer:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{answer:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("hint: see whether the proxy"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        assert_eq!(world.simulator.connections(), 0);
    }
}

#[test]
fn who_is_in_the_middle_is_not_trusted() {
    let world = World::new();
    let other = World::new();
    let proxy = Tunnels::new(ESTABLISHED, other.simulator.address());
    let ran = proxy.mint(&world, "", &[]);
    assert_eq!(ran.code, 15, "{}", ran.stderr);
    assert!(ran.stderr.contains("not trusted"), "{}", ran.stderr);
    assert_eq!(other.simulator.requests().len(), 0);
}

#[test]
fn the_policy_can_forbid_a_proxy() {
    let world = World::new();
    let proxy = Tunnels::new(ESTABLISHED, world.simulator.address());
    let policy = world.write("policy.toml", "version = 1\n[trust]\nproxy = \"forbid\"\n");
    let ran = proxy.mint(&world, "", &["--policy", policy.to_str().unwrap()]);
    assert_snapshot!(ran, @r#"
    exit status: 11
    --- stderr
    error: the policy does not allow a proxy
    hint: to allow it, set trust.proxy to "allow" in [dir]/policy.toml
    "#);
    assert_eq!(proxy.heads().len(), 0);
}

#[test]
fn what_names_no_proxy_is_not_gone_around() {
    let world = World::new();
    let ran = mint(&world, &[])
        .env("HTTPS_PROXY", "socks5://someone:hunter2hunter2@127.0.0.1:9")
        .run();
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: HTTPS_PROXY is not the URL of a proxy that can be used
    hint: give http://HOST:PORT, with USER:PASSWORD@ before it where needed
    ");
}

#[test]
fn connect_to_wins_over_the_variable() {
    let world = World::new();
    let proxy = Tunnels::new(ESTABLISHED, world.simulator.address());
    let to = world.simulator.address().to_string();
    let ran = proxy.mint(&world, "", &["--connect-to", &to]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(proxy.heads().len(), 0);
    assert!(
        audit(&world)
            .iter()
            .all(|line| line["proxy"] == Value::Null)
    );
}

#[test]
fn a_proxy_that_tailscaled_does_not_know_is_named() {
    let world = World::new();
    let stand_in = StandIn::new(&world, "NeedsLogin");
    stand_in
        .up("echo 'timeout waiting for Tailscale service to enter a Running state' >&2; exit 1");
    let ran = world
        .tailmint(&["up", "--timeout", "2s", "--tailscale"])
        .arg(stand_in.path())
        .env("HTTPS_PROXY", "http://someone:hunter2hunter2@127.0.0.1:9")
        .run();
    assert_snapshot!(ran, @"
    exit status: 21
    --- stderr
    error: the machine did not join within 2s: it is in the state NeedsLogin; key [key 1] has been revoked
      tailscale: timeout waiting for Tailscale service to enter a Running state
    hint: tailscaled does not see $HTTPS_PROXY, which is set here: set it for tailscaled too (systemd: in /etc/default/tailscaled), restart it, and try again
    ");
    assert!(!ran.stderr.contains("hunter2"));
    assert_eq!(world.simulator.live_keys().len(), 0);
}

#[tokio::test]
async fn the_library_takes_a_proxy_as_an_option() {
    let world = World::new();
    let proxy = Tunnels::new(ESTABLISHED, world.simulator.address());
    let chosen: Proxy = format!("http://{}", proxy.address).parse().unwrap();
    let minter = Minter::builder()
        .trust(Trust::pem_file(world.path().join("ca.pem")).unwrap())
        .proxy(chosen)
        .build()
        .unwrap();
    let credential = world.account();
    let key = KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()]);
    minter.mint(&credential, &key).await.unwrap();
    assert_eq!(proxy.heads().len(), 1);
}
