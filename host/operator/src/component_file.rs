//! The file of a component.

use std::{io, path::Path};

use crate::regular_file;

/// The built-in component has a third of a mebibyte; those of languages with a runtime of
/// their own have some ten.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Reads it, if it is a regular file that can be one. No other kind of file is waited for.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    regular_file::read(path, MOST_BYTES)
}
