//! Which files were written here, and whether somebody changed them since: their first line
//! has the digest of all others.

use std::{fs, io, path::Path};

use super::ServiceError;
use tailmint_core::digest::sha256;

const MARK: &str = "# Written by tailmint service install. The SHA-256 of all that follows is ";

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// What was written here, unchanged.
    Own(String),
    /// What was written here and changed since.
    Changed,
    /// What something else put there: a file, a link, a directory.
    Other,
}

/// The text as it is written.
pub(super) fn with_mark(text: &str) -> String {
    format!("{MARK}{}\n{text}", sha256(text.as_bytes()))
}

/// What is at the path.
pub(super) fn found(path: &Path) -> Result<Found, ServiceError> {
    let failed = |error: &io::Error| ServiceError::file(path, error);
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(Found::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(&error)),
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Found::Other),
        Err(error) => return Err(failed(&error)),
    };
    Ok(judge(text))
}

fn judge(text: String) -> Found {
    let Some(marked) = text.strip_prefix(MARK) else {
        return Found::Other;
    };
    match marked.split_once('\n') {
        Some((digest, rest)) if digest == sha256(rest.as_bytes()) => Found::Own(text),
        _ => Found::Changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_text_is_told_from_what_was_changed_and_from_others() {
        let own = with_mark("[Unit]\n");
        assert_eq!(judge(own.clone()), Found::Own(own.clone()));
        assert_eq!(judge(format!("{own}# more\n")), Found::Changed);
        assert_eq!(judge(own.trim_end().to_owned()), Found::Changed);
        assert_eq!(judge("[Unit]\n".to_owned()), Found::Other);
    }
}
