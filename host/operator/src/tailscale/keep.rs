use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Looks after a machine that is to stay joined: what a person took out of the tailnet is
/// left out of it.
///
/// A machine that somebody logged out looks like one that nobody has logged in yet. So a
/// file remembers that the machine was connected, and to which daemon: a daemon that was
/// started since may have lost its state, and is logged in. Once the machine was found
/// logged out, that is remembered until somebody connects it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    path: PathBuf,
}

/// What the file says of a machine that was found logged out.
const LOGGED_OUT: &str = "logged out";

/// The most of the file that is of interest: what follows is not ours.
const MOST_BYTES: u64 = 4096;

impl Keep {
    /// Remembers in the file, which need not exist.
    pub fn in_file(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Remembers that the machine is connected, by the daemon with this socket.
    pub(super) fn connected(&self, socket: &Path) -> io::Result<()> {
        // Without a socket that can be seen, a logout is not told from a daemon that lost its
        // state: the machine is logged in then.
        let to = connected_to(socket);
        self.remember(to.as_deref().unwrap_or("connected"))
    }

    /// Whether somebody logged the machine out, where it has no login. Remembers it.
    pub(super) fn is_logged_out(&self, socket: &Path) -> io::Result<bool> {
        let remembered = self.remembered()?;
        let is_logged_out =
            remembered == LOGGED_OUT || connected_to(socket).is_some_and(|it| it == remembered);
        if is_logged_out {
            self.remember(LOGGED_OUT)?;
        }
        Ok(is_logged_out)
    }

    fn remembered(&self) -> io::Result<String> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_file() && found.len() <= MOST_BYTES => {
                let content = fs::read(&self.path)?;
                Ok(String::from_utf8_lossy(&content).trim().to_owned())
            }
            Ok(_) => Err(io::Error::other("it is another program's file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    /// Writes only what is new: most looks change nothing.
    fn remember(&self, what: &str) -> io::Result<()> {
        if self.remembered()? == what {
            return Ok(());
        }
        let directory = match self.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        writeln!(file, "{what}")?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Tells this daemon from one that is started later, which has a socket of its own.
fn connected_to(socket: &Path) -> Option<String> {
    let found = fs::metadata(socket).ok()?;
    let (device, number) = (found.dev(), found.ino());
    let (seconds, rest) = (found.ctime(), found.ctime_nsec());
    Some(format!("connected {device} {number} {seconds}.{rest:09}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_machine_is_told_from_one_that_was_logged_out() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        fs::write(&socket, "").unwrap();
        let keep = Keep::in_file(directory.path().join("connected"));
        assert!(!keep.is_logged_out(&socket).unwrap(), "nobody logged in");
        keep.connected(&socket).unwrap();
        assert!(keep.is_logged_out(&socket).unwrap());

        // It stays so with another daemon, until the machine is connected.
        fs::rename(&socket, directory.path().join("old")).unwrap();
        fs::write(&socket, "").unwrap();
        assert!(keep.is_logged_out(&socket).unwrap());
        keep.connected(&socket).unwrap();
        assert!(keep.is_logged_out(&socket).unwrap());
    }

    #[test]
    fn a_daemon_that_lost_its_state_is_logged_in() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        fs::write(&socket, "").unwrap();
        let keep = Keep::in_file(directory.path().join("connected"));
        keep.connected(&socket).unwrap();
        fs::rename(&socket, directory.path().join("old")).unwrap();
        fs::write(&socket, "").unwrap();
        assert!(!keep.is_logged_out(&socket).unwrap());
    }

    #[test]
    fn a_machine_whose_socket_cannot_be_seen_is_logged_in() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let keep = Keep::in_file(directory.path().join("connected"));
        keep.connected(&socket).unwrap();
        assert!(!keep.is_logged_out(&socket).unwrap());
    }

    #[test]
    fn only_what_is_new_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        fs::write(&socket, "").unwrap();
        let file = directory.path().join("connected");
        let keep = Keep::in_file(file.clone());
        keep.connected(&socket).unwrap();
        let before = fs::metadata(&file).unwrap();
        assert_eq!(before.mode() & 0o777, 0o600);
        keep.connected(&socket).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino());
    }

    #[test]
    fn another_file_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let keep = Keep::in_file(directory.path().to_owned());
        assert!(keep.connected(&socket).is_err());
        assert!(keep.is_logged_out(&socket).is_err());
    }
}
