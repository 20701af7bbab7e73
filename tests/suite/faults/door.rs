use std::{net::SocketAddr, sync::mpsc, thread};

use crate::{
    tcp::{fill, listen_with_shortest_queue, pass_on},
    world::lonely_address,
};

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
        let listener = listen_with_shortest_queue((lonely_address(), 0).into());
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
                pass_on(&client, api);
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
