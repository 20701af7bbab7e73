//! Files that somebody names, and that are read as a whole.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Reads it, if it is a regular file with so many bytes at the most. No other kind of file is
/// waited for.
///
/// # Errors
/// It cannot be read, is something else, or is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let not_regular = || io::Error::other("it is not a regular file");
    // A device may do something when it is opened.
    if !path.metadata()?.is_file() {
        return Err(not_regular());
    }
    let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let (number, unit) = match most / (1024 * 1024) {
            0 => (most / 1024, "KiB"),
            mebibytes => (mebibytes, "MiB"),
        };
        return Err(io::Error::other(format!(
            "it has more than {number} {unit}"
        )));
    }
    Ok(bytes)
}
