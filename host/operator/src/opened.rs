//! Files that are opened once, to be judged by what was opened and then read.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Opens the file. Nothing is waited for: opening a pipe would wait for someone to write.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
}
