use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};
use zeroize::Zeroizing;

use super::{
    Wrong,
    shape::{Kind, MAX_BYTES},
};
use tailmint_core::fail_point;

/// Who may see a file beside its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Nobody.
    Owner,
    /// A group, to read: systemd gives credentials to a service by an access
    /// list, which shows as the group's bit.
    OwnerAndReadingGroup,
    /// Anybody may read, nobody else may write: for what is not secret.
    Readable,
}

/// A byte order mark and a line end or two.
const TRIMMED_BYTES: usize = 16;

/// Reads a value from a file, or `None` if there is no such file.
///
/// The file is opened once and judged by its descriptor, so that nobody can
/// swap it in between; opening does not wait, so that a pipe cannot hang it. The
/// buffer is wiped.
pub(super) fn read(
    path: &Path,
    kind: Kind,
    privacy: Privacy,
) -> Result<Option<Zeroizing<String>>, Wrong> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => return Ok(None),
        // A socket cannot be opened at all.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(Wrong::NotRegular { found: "a socket" });
        }
        Err(error) => return Err(closed(path).unwrap_or_else(|| unreadable(&error))),
    };
    fail_point("secret-opened");
    let value = take(&mut file, path, kind, privacy);
    fail_point("secret-read");
    value.map(Some)
}

fn take(
    file: &mut File,
    path: &Path,
    kind: Kind,
    privacy: Privacy,
) -> Result<Zeroizing<String>, Wrong> {
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    judge(&metadata, privacy)?;
    judge_parent(path)?;
    // Of one size, so that no copy is left behind by growing.
    let mut buffer = Zeroizing::new([0; MAX_BYTES + TRIMMED_BYTES]);
    let mut length = 0;
    loop {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
        if length == buffer.len() {
            return Err(Wrong::TooLong);
        }
    }
    kind.judge(&buffer[..length])
}

fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
}

/// A link that leads nowhere is there, unlike no file at all.
fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// What keeps its own owner from opening it, if that is its mode.
fn closed(path: &Path) -> Option<Wrong> {
    let metadata = path.metadata().ok()?;
    let mode = metadata.mode() & 0o7777;
    let own = metadata.uid() == geteuid().as_raw();
    (own && metadata.is_file() && mode & 0o400 == 0).then_some(Wrong::Closed { mode })
}

fn judge(metadata: &Metadata, privacy: Privacy) -> Result<(), Wrong> {
    let kind = metadata.file_type();
    let found = if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        ""
    };
    if !found.is_empty() {
        return Err(Wrong::NotRegular { found });
    }
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() {
        return Err(Wrong::Owner { owner });
    }
    let mode = metadata.mode() & 0o7777;
    let forbidden = match privacy {
        Privacy::Owner => 0o077,
        Privacy::OwnerAndReadingGroup => 0o037,
        Privacy::Readable => 0o022,
    };
    if mode & forbidden != 0 {
        return Err(Wrong::Mode { mode });
    }
    Ok(())
}

/// Who may write the directory may replace the file. With the sticky bit only
/// the file's owner may.
fn judge_parent(path: &Path) -> Result<(), Wrong> {
    let target = path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Wrong::Removed,
        _ => unreadable(&error),
    })?;
    match target.parent() {
        Some(directory) => judge_directory(directory),
        None => Ok(()),
    }
}

pub(super) fn judge_directory(directory: &Path) -> Result<(), Wrong> {
    let metadata = directory.metadata().map_err(|error| unreadable(&error))?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(Wrong::Parent {
            directory: directory.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn unreadable(error: &io::Error) -> Wrong {
    Wrong::Unreadable {
        detail: error.to_string(),
    }
}
