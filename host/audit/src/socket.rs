use std::{
    io,
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::Shipping;

/// The socket of a program that keeps logs. No call waits for longer than there is patience:
/// all of them together.
pub(crate) struct Socket {
    shipping: Shipping,
    connected: Option<UnixDatagram>,
    patience: Duration,
}

impl Socket {
    pub(crate) fn new(shipping: Shipping, patience: Duration) -> Self {
        Self {
            shipping,
            connected: None,
            patience,
        }
    }

    /// Waits for so long from now on.
    pub(crate) fn be_patient(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Sends a datagram.
    pub(crate) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let connected = self.connected.is_some();
        match self.try_send(message) {
            // The program was started anew since the last one.
            Err(error) if connected && is_gone(&error) => {
                self.connected = None;
                self.try_send(message)
            }
            sent => sent,
        }
    }

    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        let socket = if let Some(socket) = &self.connected {
            socket
        } else {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(self.shipping.socket())?;
            self.connected.insert(socket)
        };
        loop {
            let Err(error) = socket.send(message) else {
                return Ok(());
            };
            // BSDs say so where the buffer is full.
            let is_full = Errno::from_io_error(&error) == Some(Errno::NOBUFS);
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                _ if error.kind() == io::ErrorKind::WouldBlock || is_full => {
                    if self.patience.is_zero() {
                        let what = "the program that keeps the logs takes nothing";
                        return Err(io::Error::new(io::ErrorKind::WouldBlock, what));
                    }
                    let begun = Instant::now();
                    let limit = Timespec::try_from(self.patience).map_err(io::Error::other)?;
                    let mut wanted = [PollFd::new(socket, PollFlags::OUT)];
                    match poll(&mut wanted, Some(&limit)) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(errno) => return Err(errno.into()),
                    }
                    self.patience = self.patience.saturating_sub(begun.elapsed());
                }
                _ => return Err(error),
            }
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    let gone = [
        Errno::CONNREFUSED,
        Errno::CONNRESET,
        Errno::NOTCONN,
        Errno::PIPE,
    ];
    Errno::from_io_error(error).is_some_and(|errno| gone.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::Receiver;

    fn socket(path: &Path, patience: Duration) -> Socket {
        let shipping = Shipping {
            to: Receiver::Journal,
            socket: Some(path.to_owned()),
        };
        Socket::new(shipping, patience)
    }

    #[test]
    fn one_that_takes_nothing_is_waited_for_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let patience = Duration::from_millis(50);
        let mut socket = socket(&path, patience);
        let mut sent = 0;
        let begun = Instant::now();
        while socket.send(b"a message").is_ok() {
            sent += 1;
        }
        assert!(begun.elapsed() >= patience);
        assert_eq!(socket.patience, Duration::ZERO);
        // Without patience, there is no wait; what is taken makes room.
        let error = socket.send(b"another").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut buffer = [0; 64];
        for _ in 0..sent {
            assert_eq!(receiver.recv(&mut buffer).unwrap(), 9);
        }
        socket.send(b"another").unwrap();
    }

    #[test]
    fn one_that_is_started_anew_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let mut socket = socket(&path, Duration::ZERO);
        assert!(socket.send(b"one").is_err());
        let first = UnixDatagram::bind(&path).unwrap();
        socket.send(b"two").unwrap();
        drop(first);
        assert!(socket.send(b"three").is_err());
        fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        socket.send(b"four").unwrap();
        let mut buffer = [0; 64];
        assert_eq!(second.recv(&mut buffer).unwrap(), 4);
        // It is there, and a new one takes its place while this is connected.
        drop(second);
        fs::remove_file(&path).unwrap();
        let third = UnixDatagram::bind(&path).unwrap();
        socket.send(b"fifth").unwrap();
        assert_eq!(third.recv(&mut buffer).unwrap(), 5);
    }
}
