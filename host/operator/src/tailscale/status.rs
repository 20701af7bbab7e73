use std::net::IpAddr;

use serde::Deserialize;
use tailmint_api::{OutsideText, from_json};

/// What `tailscale status --json` says, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) state: State,
    /// Whether the daemon has a login, if only one that is gone.
    pub(crate) logged_in: bool,
    /// Whether the daemon has the key of a login: not before the first, nor after
    /// `tailscale logout`; but where the machine was removed.
    pub(crate) has_node_key: bool,
    pub(crate) node: Node,
    /// Names the machine's login; another login has another.
    pub(crate) node_key: String,
    /// What is wrong, in the daemon's words.
    pub(crate) health: Vec<OutsideText>,
    /// The version of the daemon, such as `1.102.5` or `1.102.5-ERR-BuildInfo`.
    pub(crate) version: OutsideText,
}

/// The state of a machine's daemon: `ipn.State` of tailscale.com.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Just started: it does not know yet.
    NoState,
    /// Not logged in.
    NeedsLogin,
    /// Logged in; an administrator must approve the machine.
    NeedsMachineAuth,
    /// Logged in, and told to stay off the tailnet.
    Stopped,
    /// On its way.
    Starting,
    /// In the tailnet.
    Running,
    /// Something newer, or Windows' own.
    Other(OutsideText),
}

/// A machine in its tailnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its name in the tailnet; its host name where it has none.
    pub name: OutsideText,
    /// The name that it asked for.
    pub host_name: OutsideText,
    /// Its addresses in the tailnet.
    pub addresses: Vec<IpAddr>,
    /// Its tags.
    pub tags: Vec<OutsideText>,
    /// Whether it hears from its control server.
    pub online: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    version: String,
    backend_state: String,
    #[serde(default)]
    have_node_key: bool,
    #[serde(rename = "AuthURL", default)]
    login_page: String,
    #[serde(rename = "Self", default)]
    own: Option<WireNode>,
    #[serde(default)]
    health: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireNode {
    public_key: String,
    online: bool,
    host_name: String,
    #[serde(rename = "DNSName")]
    dns_name: String,
    #[serde(rename = "TailscaleIPs")]
    addresses: Option<Vec<IpAddr>>,
    tags: Option<Vec<String>>,
}

impl Status {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, OutsideText> {
        let wire: Wire = from_json(json)?;
        let own = wire.own.unwrap_or_default();
        let name = match own.dns_name.trim_end_matches('.') {
            "" => &own.host_name,
            name => name,
        };
        let lines = |texts: Option<Vec<String>>| -> Vec<OutsideText> {
            let texts = texts.unwrap_or_default();
            texts.iter().map(|text| OutsideText::new(text)).collect()
        };
        let said = State::of(&wire.backend_state);
        Ok(Self {
            logged_in: said != State::NeedsLogin,
            // Old versions have the key alone, all zeros where there is none.
            has_node_key: wire.have_node_key || is_set(&own.public_key),
            // A machine that was removed while its daemon was down says that it
            // is Running, by what it remembers, and where to log in.
            state: match said {
                State::Running if !wire.login_page.is_empty() => State::NeedsLogin,
                said => said,
            },
            node: Node {
                name: OutsideText::new(name),
                host_name: OutsideText::new(&own.host_name),
                addresses: own.addresses.unwrap_or_default(),
                tags: lines(own.tags),
                online: own.online,
            },
            node_key: own.public_key,
            health: lines(wire.health),
            version: OutsideText::new(&wire.version),
        })
    }

    /// Whether the machine is connected with all of these tags.
    pub(crate) fn is_running_with<'a>(&self, mut tags: impl Iterator<Item = &'a str>) -> bool {
        self.state == State::Running
            && tags.all(|tag| self.node.tags.iter().any(|other| **other == *tag))
    }
}

fn is_set(key: &str) -> bool {
    let hexadecimal = key.trim_start_matches("nodekey:");
    hexadecimal.bytes().any(|digit| digit != b'0')
}

impl Status {
    /// Whether Tailnet Lock keeps the machine out: it says that it is Running, and no
    /// other machine talks to it (`ipn/ipnlocal/network-lock.go`).
    pub(crate) fn is_locked_out(&self) -> bool {
        self.health.iter().any(|line| line.contains("locked out"))
    }
}

impl Node {
    /// Whether the tailnet gave it another name because its own was taken: `db-1` where
    /// it asked for `db`.
    pub fn is_renamed(&self) -> bool {
        // What a name in the tailnet cannot have becomes a hyphen.
        let plain = |character: char| match character.to_ascii_lowercase() {
            known @ ('a'..='z' | '0'..='9') => known,
            _ => '-',
        };
        let asked = self.host_name.split('.').next().unwrap_or_default();
        let asked: String = asked.chars().map(plain).collect();
        let given = self.name.split('.').next().unwrap_or_default();
        let number = given
            .strip_prefix(&asked)
            .and_then(|it| it.strip_prefix('-'));
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    }
}

impl State {
    fn of(name: &str) -> Self {
        match name {
            "NoState" => Self::NoState,
            "NeedsLogin" => Self::NeedsLogin,
            "NeedsMachineAuth" => Self::NeedsMachineAuth,
            "Stopped" => Self::Stopped,
            "Starting" => Self::Starting,
            "Running" => Self::Running,
            other => Self::Other(OutsideText::new(other)),
        }
    }

    /// Whether it says where this is going, or has yet to find out.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(self, Self::NoState | Self::Starting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tailscaled 1.102.5 says it, without what is not read.
    const RUNNING: &str = r#"{"Version":"1.102.5-ERR-BuildInfo","TUN":false,"BackendState":"Running","HaveNodeKey":true,"AuthURL":"","TailscaleIPs":["100.64.0.1","fd7a:115c:a1e0::1"],"Self":{"ID":"1","PublicKey":"nodekey:ab","HostName":"a","DNSName":"a.example.ts.net.","TailscaleIPs":["100.64.0.1","fd7a:115c:a1e0::1"],"Tags":["tag:tazpod"],"Online":true},"Health":[],"Peer":null}"#;
    const FRESH: &str = r#"{"Version":"1.102.5","BackendState":"NeedsLogin","AuthURL":"","TailscaleIPs":null,"Self":{"PublicKey":"nodekey:00","HostName":"a","DNSName":"","TailscaleIPs":null},"Health":["Tailscale is stopped."]}"#;

    #[test]
    fn reads_a_running_node() {
        let status = Status::parse(RUNNING.as_bytes()).unwrap();
        assert_eq!(status.state, State::Running);
        assert_eq!(status.node.name, "a.example.ts.net");
        assert_eq!(status.node.addresses.len(), 2);
        assert!(status.is_running_with(["tag:tazpod"].into_iter()));
        assert!(!status.is_running_with(["tag:tazpod", "tag:other"].into_iter()));
    }

    #[test]
    fn reads_a_fresh_daemon() {
        let status = Status::parse(FRESH.as_bytes()).unwrap();
        assert_eq!(status.state, State::NeedsLogin);
        assert!(!status.logged_in && !status.node.online);
        assert!(!status.has_node_key);
        assert_eq!(status.node.name, "a");
        assert_eq!(status.health, ["Tailscale is stopped."]);
        assert!(!status.is_running_with([].into_iter()));
    }

    #[test]
    fn a_name_that_was_taken_is_told_from_one_with_a_number() {
        for (asked, given, renamed) in [
            ("db", "db-1.example.ts.net", true),
            ("DB_one", "db-one-12.example.ts.net", true),
            ("db.lan", "db-1.example.ts.net", true),
            ("db", "db.example.ts.net", false),
            ("db-1", "db-1.example.ts.net", false),
            ("db", "db-x1.example.ts.net", false),
            ("db", "db-.example.ts.net", false),
            ("db", "other.example.ts.net", false),
        ] {
            let node = Node {
                name: OutsideText::new(given),
                host_name: OutsideText::new(asked),
                ..Node::default()
            };
            assert_eq!(node.is_renamed(), renamed, "{asked}, {given}");
        }
    }

    #[test]
    fn a_login_that_is_gone_is_none() {
        let gone = RUNNING.replace(r#""AuthURL":"""#, r#""AuthURL":"https://x/a""#);
        let status = Status::parse(gone.as_bytes()).unwrap();
        assert_eq!(status.state, State::NeedsLogin);
        assert!(status.logged_in && status.has_node_key);
    }

    #[test]
    fn takes_states_of_later_versions() {
        let json = br#"{"Version":"2","BackendState":"Dreaming"}"#;
        let status = Status::parse(json).unwrap();
        assert_eq!(status.state, State::Other(OutsideText::new("Dreaming")));
    }

    #[test]
    fn refuses_what_is_not_a_status() {
        for text in ["", "{}", "[]", "Logged out.", r#"{"BackendState":1}"#] {
            assert!(Status::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
