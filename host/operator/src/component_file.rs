//! The file of a component.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// The built-in component has a third of a mebibyte; those of languages with a runtime of
/// their own have some ten.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Reads it, if it is a regular file that can be one. No other kind of file is waited for.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
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
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        let most = MOST_BYTES / (1024 * 1024);
        return Err(io::Error::other(format!("it has more than {most} MiB")));
    }
    Ok(bytes)
}
