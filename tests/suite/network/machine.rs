use std::{
    io,
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream},
    process::Command,
    thread,
    time::Duration,
};

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
                        pass(&client.unwrap(), api);
                    }
                });
            }
            Self::Drops => {
                let kept = (listen(at), fill(at));
                thread::spawn(move || {
                    let _kept = kept;
                    thread::park();
                });
            }
            Self::Refuses | Self::Unreachable => {}
        }
    }
}

/// With the shortest queue that there is.
fn listen(at: SocketAddr) -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    runtime.block_on(async {
        let socket = match at {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
        };
        let socket = socket.unwrap();
        socket.bind(at).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    })
}

fn fill(at: SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(200)) {
        queue.push(stream);
    }
    queue
}

/// Passes on what comes, both ways.
fn pass(client: &TcpStream, api: SocketAddr) {
    let server = TcpStream::connect(api).unwrap();
    for (from, to) in [(client, &server), (&server, client)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            io::copy(&mut from, &mut to).ok();
            to.shutdown(Shutdown::Write).ok();
        });
    }
}
