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
pub(crate) fn what_else(kind: FileType) -> Option<&'static str> {
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
