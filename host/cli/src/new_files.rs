use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// Files that are all there in the end, whole, or none of them; and none of them
/// in the place of another.
#[derive(Default)]
pub(super) struct NewFiles {
    written: Vec<(PathBuf, NamedTempFile)>,
}

impl NewFiles {
    /// Writes one, which is not yet seen under its name.
    pub(super) fn write(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        if path.try_exists()? {
            // Sooner than the others are written, where it can be told.
            let kind = io::ErrorKind::AlreadyExists;
            return Err(io::Error::new(kind, "it exists already"));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new()
            // What the user's umask takes away is taken away.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.as_file_mut().write_all(content)?;
        file.as_file().sync_all()?;
        self.written.push((path.to_owned(), file));
        Ok(())
    }

    /// Gives them their names. Where one cannot have its name, that is told, and
    /// those before it lose theirs.
    pub(super) fn keep(self) -> Result<(), (PathBuf, io::Error)> {
        let mut kept = Vec::new();
        for (path, file) in self.written {
            if let Err(error) = file.persist_noclobber(&path) {
                for other in &kept {
                    std::fs::remove_file(other).ok();
                }
                return Err((path, error.error));
            }
            kept.push(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_cannot_be_kept_takes_the_others_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let mut files = NewFiles::default();
        files.write(&one, b"1").unwrap();
        files.write(&other, b"2").unwrap();
        std::fs::write(&other, "mine").unwrap();
        let (path, error) = files.keep().unwrap_err();
        assert_eq!(path, other);
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(!one.exists());
        assert_eq!(std::fs::read(&other).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn those_that_are_not_kept_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = NewFiles::default();
        files.write(&folder.path().join("one"), b"1").unwrap();
        drop(files);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
