//! Files that are written to only if nobody else can have put them there.

use std::{
    fs::{File, FileType, OpenOptions, Permissions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};

use crate::AuditError;

/// Opens the file if it is regular and belongs to the user or to root, by its own name.
/// Nothing is changed, but the file is created where the options say so. `None` where
/// there is none.
pub(crate) fn open(options: &OpenOptions, path: &Path) -> Result<Option<File>, AuditError> {
    // A device may do something when it is opened.
    if let Ok(metadata) = path.symlink_metadata() {
        regular(path, metadata.file_type())?;
    }
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = options.clone();
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AuditError::unwritable(path, &error)),
    };
    let metadata = file
        .metadata()
        .map_err(|error| AuditError::unwritable(path, &error))?;
    regular(path, metadata.file_type())?;
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() {
        return Err(AuditError::foreign(path, owner));
    }
    Ok(Some(file))
}

/// Opens the file to be read if it is regular, no matter whose it is. No other kind of file is
/// waited for.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    let is_regular = |kind: FileType| match what_else(kind) {
        None => Ok(()),
        Some(what) => Err(io::Error::other(format!("it is {what}"))),
    };
    // A device may do something when it is opened.
    is_regular(path.metadata()?.file_type())?;
    let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    is_regular(file.metadata()?.file_type())?;
    Ok(file)
}

fn regular(path: &Path, kind: FileType) -> Result<(), AuditError> {
    if kind.is_symlink() {
        return Err(AuditError::unfit(
            path,
            "it is a symbolic link",
            "name the file that the link leads to",
        ));
    }
    match what_else(kind) {
        None => Ok(()),
        Some(what) => Err(AuditError::unfit(
            path,
            format!("it is {what}"),
            "name a file",
        )),
    }
}

/// What it is, where it is not a regular file.
fn what_else(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Takes it from all others, where it is the user's own. A file of root's stays as root
/// has it.
pub(crate) fn close_to_others(file: &File, path: &Path) -> Result<(), AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(path, &error);
    let metadata = file.metadata().map_err(failed)?;
    let user = geteuid();
    let is_own = user.is_root() || metadata.uid() == user.as_raw();
    if is_own && metadata.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::AuditErrorKind;

    fn read(path: &Path) -> Result<Option<File>, AuditError> {
        open(OpenOptions::new().read(true), path)
    }

    #[test]
    fn a_file_of_the_user_is_opened_and_none_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert!(read(&path).unwrap().is_none());
        fs::write(&path, "text").unwrap();
        let file = read(&path).unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 4);
        // Nobody can lead it elsewhere or have it wait between two calls.
        let flags = rustix::fs::fcntl_getfl(&file).unwrap();
        assert!(
            flags.contains(OFlags::NOFOLLOW | OFlags::NONBLOCK),
            "{flags:?}"
        );
        // That nothing can be there is another error than that nothing is.
        assert!(read(&path.join("below")).is_err());
    }

    #[test]
    fn what_is_not_a_regular_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "").unwrap();
        symlink(path("file"), path("link")).unwrap();
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), kind, 0o600.into(), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        for (path, what) in [
            (directory.path().to_owned(), "it is a directory"),
            (path("link"), "it is a symbolic link"),
            (path("pipe"), "it is a pipe"),
            (path("socket"), "it is a socket"),
            ("/dev/null".into(), "it is a device"),
        ] {
            let error = read(&path).unwrap_err();
            assert!(error.to_string().ends_with(what), "{error}");
            assert!(matches!(error.kind(), AuditErrorKind::Unfit { .. }));
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_taken() {
        // Only root can give one away.
        if !geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(*error.kind(), AuditErrorKind::Foreign);
    }

    #[test]
    fn others_lose_what_they_may_and_nobody_gains_anything() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        for (before, after) in [
            (0o644, 0o600),
            (0o606, 0o600),
            (0o600, 0o600),
            (0o400, 0o400),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            close_to_others(&file, &path).unwrap();
            let mode = path.metadata().unwrap().mode() & 0o7777;
            assert_eq!(mode, after, "{before:o}");
        }
    }
}
