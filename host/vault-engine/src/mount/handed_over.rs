use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Which requests this machine has handed a key over for, and which are still written down as
/// pending: an empty file each, beside the audit log. Vault's storage cannot say that. To
/// change an entry there takes milliseconds, in which a process that is killed leaves behind
/// either a key that nobody has, or a key that somebody has and that looks like one that
/// nobody has. A file is there at once, and outlives the process.
pub(super) struct HandedOver(PathBuf);

/// The file of one request.
pub(super) struct Marker(PathBuf);

/// A request is not pending for longer, and neither is the rollback of it.
const OLD: Duration = Duration::from_hours(24);

impl HandedOver {
    /// Beside this audit log.
    pub(super) fn beside(audit: &Path) -> io::Result<Self> {
        let mut path = audit.as_os_str().to_owned();
        path.push(".handed-over");
        let path = PathBuf::from(path);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        Ok(Self(path))
    }

    fn path(&self, entry: &str) -> Option<PathBuf> {
        let name = entry.rsplit('/').next()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (!name.is_empty() && name.bytes().all(is_plain)).then(|| self.0.join(name))
    }

    /// Notes that the response to the request of this entry leaves now. `None` where that
    /// cannot be noted.
    pub(super) fn note(&self, entry: &str) -> Option<Marker> {
        let path = self.path(entry)?;
        File::create(&path).ok()?;
        Some(Marker(path))
    }

    /// The note about the request of this entry, if there is one.
    pub(super) fn find(&self, entry: &str) -> Option<Marker> {
        let path = self.path(entry)?;
        path.exists().then_some(Marker(path))
    }

    /// Removes what processes left behind that were killed.
    pub(super) fn tidy(&self) {
        let files = fs::read_dir(&self.0).into_iter().flatten().flatten();
        for file in files {
            let modified = file.metadata().and_then(|it| it.modified());
            let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD));
            if is_old {
                fs::remove_file(file.path()).ok();
            }
        }
    }
}

impl Marker {
    /// The request is no longer pending.
    pub(super) fn remove(self) {
        fs::remove_file(self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_noted_until_it_is_no_longer_pending() {
        let directory = tempfile::tempdir().unwrap();
        let audit = directory.path().join("audit.jsonl");
        let handed = HandedOver::beside(&audit).unwrap();
        let entry = "wal/7f6e-1a";
        assert!(handed.find(entry).is_none());
        handed.note(entry).unwrap();
        // Another process of the same machine.
        let other = HandedOver::beside(&audit).unwrap();
        other.tidy();
        assert!(other.find("wal/7f6e-1b").is_none());
        other.find(entry).unwrap().remove();
        assert!(handed.find(entry).is_none());
        for name in ["wal/", "wal/..", "wal/a_b", ""] {
            assert!(handed.note(name).is_none(), "{name}");
        }
    }
}
