use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    process::Command,
    thread,
};

use crate::tcp::{fill, listen_with_shortest_queue, pass_on};

/// What is at an address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Machine {
    /// The API, on port 443.
    Api,
    /// Nobody listens.
    Refuses,
    /// The first packet of a connection is dropped: the queue is full.
    Drops,
    /// No route leads there.
    Unreachable,
}

impl Machine {
    /// Puts it at the address, until the process ends. Connections to it go to `api`.
    pub(super) fn start(self, address: &str, api: SocketAddr) {
        if let Self::Unreachable = self {
            return;
        }
        let ip: IpAddr = address.parse().unwrap();
        let whole = if ip.is_ipv6() { 128 } else { 32 };
        let added = Command::new("ip")
            .args([
                "address",
                "add",
                &format!("{ip}/{whole}"),
                "dev",
                "lo",
                "nodad",
            ])
            .status();
        assert!(added.unwrap().success(), "{address}");
        let at = SocketAddr::new(ip, 443);
        match self {
            Self::Api => {
                let listener = TcpListener::bind(at).unwrap();
                thread::spawn(move || {
                    for client in listener.incoming() {
                        pass_on(&client.unwrap(), api);
                    }
                });
            }
            Self::Drops => {
                let kept = (listen_with_shortest_queue(at), fill(at));
                thread::spawn(move || {
                    let _kept = kept;
                    thread::park();
                });
            }
            Self::Refuses | Self::Unreachable => {}
        }
    }
}
