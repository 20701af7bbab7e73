use std::path::{Path, PathBuf};

/// Where entries are sent as they are written, besides to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipping {
    /// To which program.
    pub to: Receiver,
    /// At which socket, where it is not the usual one.
    pub socket: Option<PathBuf>,
}

/// A program of the system that keeps logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receiver {
    /// systemd's journal, in its own protocol:
    /// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.
    Journal,
    /// A syslog daemon, as RFC 5424 says.
    Syslog,
}

impl Shipping {
    /// The socket of the program.
    pub fn socket(&self) -> &Path {
        self.socket.as_deref().unwrap_or(Path::new(match self.to {
            Receiver::Journal => "/run/systemd/journal/socket",
            Receiver::Syslog => "/dev/log",
        }))
    }
}
