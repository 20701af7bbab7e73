use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::world::lonely_address;

/// How a door is closed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closed {
    /// Connections are refused.
    Refusing,
    /// The kernel drops the first packet of connections: the queue is full.
    Silent,
}

/// A way to the API that lets one connection pass, or none, and is closed then.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    /// Told by no one: its end ends the door's thread, and what that keeps.
    _open: mpsc::Sender<()>,
}

impl Door {
    pub(super) fn new(passes: bool, closed: Closed, api: SocketAddr) -> Self {
        let listener = listen();
        let address = listener.local_addr().unwrap();
        let (open, ended) = mpsc::channel::<()>();
        let (ready, when_ready) = mpsc::channel();
        thread::spawn(move || {
            if passes {
                ready.send(()).ok();
            }
            let passing = passes.then(|| listener.accept().unwrap().0);
            // Closed before the first connection gets an answer.
            let kept = match closed {
                Closed::Refusing => {
                    drop(listener);
                    None
                }
                Closed::Silent => Some((fill(address), listener)),
            };
            ready.send(()).ok();
            if let Some(client) = passing {
                pass(&client, api);
            }
            ended.recv().ok();
            drop(kept);
        });
        when_ready.recv().unwrap();
        Self {
            address,
            _open: open,
        }
    }
}

/// With the shortest queue that there is.
fn listen() -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((lonely_address(), 0).into()).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    });
    listener.set_nonblocking(false).unwrap();
    listener
}

fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
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
