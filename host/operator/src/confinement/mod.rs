//! What a process that speaks to the network keeps of the machine: one list, from which the
//! kernel's rules come and what is said about them.
//!
//! A process that was turned by what it reads from the network can do what the process may.
//! So it gives up what it does not need, before its first connection and for the rest of its
//! life. Only commands do so: the library never confines the process of an embedder.

#[cfg(target_os = "linux")]
mod call_numbers;
mod confined;
mod confinement_error;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod given_up;
mod limit;
#[cfg(target_os = "linux")]
mod linux;
mod way;

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;

pub use confined::Confined;
pub use confinement_error::ConfinementError;
pub use limit::Limit;
pub use way::Way;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use tailmint::policy::Policy;

/// The files that the C library's resolver reads. Each may be absent, and may be a link.
const RESOLVER_FILES: [&str; 6] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
];

/// Where the GNU C library loads the modules of `/etc/nsswitch.conf` from, when a name is
/// asked for. A program that is linked with musl loads none.
const LIBRARIES: &[&str] = if cfg!(target_env = "musl") {
    &[]
} else {
    &["/lib", "/lib64", "/nix/store", "/usr/lib", "/usr/lib64"]
};

/// DNS over TCP, for responses that are too long for UDP.
const DNS_PORT: u16 = 53;

/// What a process may still open and reach once it is confined: the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Files that may be read, and directories with all that is in them.
    read: Vec<PathBuf>,
    /// Directories in which files may be read, written, created and removed.
    written: Vec<PathBuf>,
    /// The TCP ports that may be connected to.
    ports: BTreeSet<u16>,
    /// Whether sockets of this machine may be connected to.
    has_local_sockets: bool,
}

impl Confinement {
    /// What every process needs that resolves a name: nothing but the resolver's files, and
    /// port 53.
    pub fn to_resolve_names() -> Self {
        let read = RESOLVER_FILES.iter().chain(LIBRARIES);
        Self {
            read: read.map(PathBuf::from).collect(),
            written: Vec::new(),
            ports: BTreeSet::from([DNS_PORT]),
            has_local_sockets: false,
        }
    }

    /// With this directory, of which files may be read, written, created and removed. One
    /// that is not there when the process is confined stays out of reach.
    #[must_use]
    pub fn writing_in(mut self, directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        if !self.written.contains(&directory) {
            self.written.push(directory);
        }
        self
    }

    /// The same for the directory that this file is in.
    #[must_use]
    pub fn writing_beside(self, file: &Path) -> Self {
        match file.parent() {
            // A name alone is one in the directory where the process is.
            Some(directory) if directory.as_os_str().is_empty() => self.writing_in("."),
            Some(directory) => self.writing_in(directory),
            None => self,
        }
    }

    /// With this way to a server.
    #[must_use]
    pub fn reaching(mut self, way: Way) -> Self {
        match way {
            Way::Port(port) => {
                self.ports.insert(port);
            }
            Way::LocalSocket => self.has_local_sockets = true,
        }
        self
    }

    /// The files that may be read, and the directories with all that is in them. Not all of
    /// them need to be there.
    pub fn read(&self) -> impl Iterator<Item = &Path> {
        self.read.iter().map(PathBuf::as_path)
    }

    /// The directories in which files may be read, written, created and removed.
    pub fn written(&self) -> impl Iterator<Item = &Path> {
        self.written.iter().map(PathBuf::as_path)
    }

    /// The TCP ports that may be connected to, in ascending order.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.iter().copied()
    }

    /// Whether sockets of this machine may be connected to: Fly.io's is one.
    pub fn has_local_sockets(&self) -> bool {
        self.has_local_sockets
    }

    /// Confines this thread and those that it starts, for good, as far as the kernel can. No
    /// other thread may run yet: it would stay as it is.
    ///
    /// # Errors
    /// The policy requires it, and the kernel does not do it. The process is then confined
    /// in part, and nothing was connected to.
    pub fn enter(&self, policy: &Policy) -> Result<Confined, ConfinementError> {
        let confined = system::confine(self);
        if policy.requires_confinement() {
            confined.suffices()?;
        }
        Ok(confined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_what_was_asked_for_and_what_resolves_names() {
        let list = Confinement::to_resolve_names()
            .reaching(Way::Port(443))
            .reaching(Way::Port(80))
            .reaching(Way::Port(443))
            .writing_beside(Path::new("/state/audit.jsonl"))
            .writing_beside(Path::new("audit.jsonl"))
            .writing_in("/state");
        assert_eq!(list.ports().collect::<Vec<_>>(), [53, 80, 443]);
        let written: Vec<_> = list.written().collect();
        assert_eq!(written, [Path::new("/state"), Path::new(".")]);
        let read: Vec<_> = list.read().collect();
        assert!(read.contains(&Path::new("/etc/resolv.conf")));
        assert_eq!(read.contains(&Path::new("/usr/lib")), !LIBRARIES.is_empty());
        assert!(!list.has_local_sockets());
        assert!(list.reaching(Way::LocalSocket).has_local_sockets());
    }
}
