//! The files that a log was rotated to, beside it.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Enough that names sort as their numbers do, for one rotation a day over 2700 years.
const DIGITS: usize = 6;

/// More than any log has: numbers beyond are of something else, and can be counted on.
pub(crate) const MOST: u64 = u64::MAX / 2;

/// A file that was rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archived {
    /// The first one has number 1.
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
}

/// The name of the file with this number: `audit.jsonl.000001`.
pub(crate) fn name(log: &Path, number: u64) -> String {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.{number:0DIGITS$}")
}

/// The file with this number.
pub(crate) fn path(log: &Path, number: u64) -> PathBuf {
    log.with_file_name(name(log, number))
}

/// The number in the name of a file that was rotated; `None` for any other name.
pub(crate) fn number(name: &str) -> Option<u64> {
    let (log, digits) = name.rsplit_once('.')?;
    let is_number = digits.len() >= DIGITS && digits.bytes().all(|it| it.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number && !log.is_empty());
    // The one name that a number has.
    number.filter(|number| (1..=MOST).contains(number) && format!("{number:0DIGITS$}") == digits)
}

/// All that are there, the oldest first.
pub(crate) fn list(log: &Path) -> io::Result<Vec<Archived>> {
    let directory = log.parent().filter(|it| !it.as_os_str().is_empty());
    let own = log.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    for entry in fs::read_dir(directory.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_own = name
            .rsplit_once('.')
            .is_some_and(|(log, _)| log == own.as_ref());
        if let Some(number) = number(name).filter(|_| is_own) {
            let path = entry.path();
            found.push(Archived { number, path });
        }
    }
    found.sort_by_key(|it| it.number);
    Ok(found)
}

/// The number under which this file is there already, where a rotation was cut off before
/// the log got its next file.
pub(crate) fn number_of(files: &[Archived], file: &File) -> io::Result<Option<u64>> {
    let own = identity(file)?;
    for it in files {
        match it.path.symlink_metadata() {
            Ok(other) if of(&other) == own => return Ok(Some(it.number)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether the file is the one of this name now.
pub(crate) fn is_at(file: Identity, path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(now) => Ok(of(&now) == file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which file it is, whatever its names are: the number of the device, and that of the file.
pub(crate) type Identity = (u64, u64);

/// As long as the file is open, no other has it.
pub(crate) fn identity(file: &File) -> io::Result<Identity> {
    file.metadata().map(|it| of(&it))
}

fn of(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_their_numbers_do_and_are_told_from_others() {
        let log = Path::new("/var/log/audit.jsonl");
        assert_eq!(name(log, 1), "audit.jsonl.000001");
        assert_eq!(
            path(log, 12),
            Path::new("/var/log/audit.jsonl.000012").to_owned()
        );
        for of in [1, 999_999, 1_000_000, MOST] {
            assert_eq!(number(&name(log, of)), Some(of));
        }
        for other in [
            "audit.jsonl",
            "audit.jsonl.1",
            "audit.jsonl.00001",
            "audit.jsonl.0000001",
            "audit.jsonl.00000x",
            "audit.jsonl.+00001",
            "audit.jsonl.000000",
            "audit.jsonl.18446744073709551615",
            "audit.jsonl.99999999999999999999999",
            ".000001",
            "000001",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn those_of_one_log_are_listed_the_oldest_first() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        for name in [
            "audit.jsonl",
            "audit.jsonl.000002",
            "audit.jsonl.000010",
            "audit.jsonl.000001",
            "audit.jsonl.1000000",
            "audit.jsonl.new",
            "other.jsonl.000003",
        ] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let found = list(&log).unwrap();
        let numbers: Vec<u64> = found.iter().map(|it| it.number).collect();
        assert_eq!(numbers, [1, 2, 10, 1_000_000]);
        let file = File::open(&log).unwrap();
        let own = identity(&file).unwrap();
        assert!(is_at(own, &log).unwrap());
        assert!(!is_at(own, &found[0].path).unwrap());
        assert!(!is_at(own, &directory.path().join("none")).unwrap());
        assert_eq!(number_of(&found, &file).unwrap(), None);
        fs::hard_link(&log, path(&log, 11)).unwrap();
        let found = list(&log).unwrap();
        assert_eq!(number_of(&found, &file).unwrap(), Some(11));
    }
}
