use std::{fs::File, io, os::unix::fs::MetadataExt, path::Path};

use super::{
    Wrong,
    reach::{Content, Reader, unreadable},
    shape::{Kind, Value},
    system,
};
use tailmint_core::fail_point;

/// Reads a value from a file, or `None` if there is no such file.
///
/// The file is opened once and judged by its descriptor, so that nobody can
/// swap it in between; opening does not wait, so that a pipe cannot hang it. The
/// buffer is wiped.
pub(super) fn read(
    path: &Path,
    kind: Kind,
    content: Content,
    reader: &Reader,
) -> Result<Option<Value>, Wrong> {
    let mut file = match system::open(path) {
        Ok(file) => file,
        // A link that leads nowhere is there, unlike no file at all.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match system::is_there(path) {
            Ok(false) => return Ok(None),
            Ok(true) => return Err(unreadable(&error)),
            Err(error) => return Err(unreadable(&error)),
        },
        // A socket cannot be opened at all.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(Wrong::NotRegular { found: "a socket" });
        }
        Err(error) => return Err(reader.closed(path).unwrap_or_else(|| unreadable(&error))),
    };
    fail_point("secret-opened");
    let value = reader
        .judge(&file, path, content)
        .and_then(|()| take(&mut file, kind));
    fail_point("secret-read");
    value.map(Some)
}

/// The mode of the file, where that lets others than its owner read it.
pub(super) fn open_mode(path: &Path) -> Option<u32> {
    let mode = system::stat(path).ok()?.mode() & 0o7777;
    (mode & READ_BY_OTHERS != 0).then_some(mode)
}

const READ_BY_OTHERS: u32 = 0o044;

fn take(file: &mut File, kind: Kind) -> Result<Value, Wrong> {
    let mut buffer = kind.buffer();
    let mut length = 0;
    loop {
        match system::read(file, &mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
        if length == buffer.len() {
            return Err(kind.too_long());
        }
    }
    kind.judge(&buffer[..length])
}
