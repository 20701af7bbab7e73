use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    num::NonZero,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use tailmint_core::fail_point;

use crate::{
    Actor, AuditError,
    archive::{self, Archived},
    beginning::Continuation,
    line::{self, Link},
    lock::lock,
    own_file, room, verification,
};

/// When a log is rotated by itself, and how many files are kept. By default it never is, and
/// all are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Once it has so many bytes.
    pub bytes: Option<NonZero<u64>>,
    /// Once its first line is so many days old.
    pub days: Option<NonZero<u32>>,
    /// How many files are kept beside the log.
    pub keep: Option<NonZero<u32>>,
}

impl Rotation {
    /// Whether a log of this size, whose first line is of this time, is to be rotated.
    pub(crate) fn is_due(&self, size: u64, begun: Option<Timestamp>, now: Timestamp) -> bool {
        let is_long = self.bytes.is_some_and(|most| size >= most.get());
        let age = begun.map(|begun| now.duration_since(begun));
        let is_old = self.days.zip(age).is_some_and(|(days, age)| {
            age >= SignedDuration::from_hours(24 * i64::from(days.get()))
        });
        is_long || is_old
    }

    /// Whether it is left to a command.
    pub(crate) fn is_never(&self) -> bool {
        self.bytes.is_none() && self.days.is_none()
    }

    /// Whether it takes the time of the first line to tell.
    pub(crate) fn asks_for_age(&self) -> bool {
        self.days.is_some()
    }

    /// The oldest file that is kept once there is one with this number.
    fn oldest(&self, number: u64, files: &[Archived]) -> u64 {
        let first = files.first().map_or(number, |it| it.number.min(number));
        let keep = self.keep.map(|keep| u64::from(keep.get()));
        keep.map_or(first, |keep| first.max((number + 1).saturating_sub(keep)))
    }
}

/// A log whose next file has its name.
pub(crate) struct Next {
    /// The next file, locked.
    pub(crate) file: File,
    pub(crate) size: u64,
    /// Its first line.
    pub(crate) link: Link,
    /// Where the lines before are.
    pub(crate) archived: PathBuf,
}

/// Gives the log its next file, which continues the chain of this one. The file has to be
/// locked, to have the name of the log, and to end with a whole line.
///
/// The file is there under its new name before the next one takes the log's: whenever the
/// process is killed, the log has one of the two, and no line is in neither or in both.
///
/// `None` where the log has no line but the one that continues another file.
pub(crate) fn rotate(
    log: &Path,
    mut file: &File,
    rotation: Rotation,
    actor: &Actor,
) -> Result<Option<Next>, AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(log, &error);
    file.sync_all().map_err(failed)?;
    file.rewind().map_err(failed)?;
    let found = verification::follow_file(file).map_err(failed)?;
    let Some(head) = &found.head else {
        return Ok(None);
    };
    if found.continues.is_some() && found.entries == 1 {
        return Ok(None);
    }
    let files = archive::list(log).map_err(failed)?;
    let own = archive::number_of(&files, file).map_err(failed)?;
    let continued = found.continues.as_ref().map_or(0, |it| it.number);
    let last = files.last().map_or(0, |it| it.number);
    let number = own.unwrap_or(continued.max(last) + 1);
    let archived = archive::path(log, number);
    let oldest = rotation.oldest(number, &files);
    let name = archive::name(log, number);
    let content = Continuation::of(name, number, oldest, &found, actor);
    let before = Link {
        sequence: head.number.unwrap_or(0),
        hash: head.hash.clone(),
    };
    let now = Timestamp::now();
    let (text, link) = line::write(&before, now, &content).map_err(|it| failed(it.into()))?;
    let next = log.with_file_name(next_name(log));
    let (file, size) = write_next(&next, &format!("{text}\n"))?;
    fail_point("audit-rotate-written");
    if own.is_none() {
        fs::hard_link(log, &archived).map_err(failed)?;
    }
    sync_directory(log).map_err(failed)?;
    fail_point("audit-rotate-linked");
    fs::rename(&next, log).map_err(failed)?;
    sync_directory(log).map_err(failed)?;
    fail_point("audit-rotate-renamed");
    for it in files.iter().filter(|it| it.number < oldest) {
        fs::remove_file(&it.path).map_err(failed)?;
    }
    Ok(Some(Next {
        file,
        size,
        link,
        archived,
    }))
}

/// What the next file is called until it is whole.
fn next_name(log: &Path) -> String {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.new")
}

/// A locked file with this line, on disk, and its size. One that was left behind by a process that was
/// killed is written anew: only who has locked the log writes it.
fn write_next(path: &Path, line: &str) -> Result<(File, u64), AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(path, &error);
    let missing = || failed(io::ErrorKind::NotFound.into());
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let mut file = own_file::open(&options, path)?.ok_or_else(missing)?;
    let mut left = Vec::new();
    (&file)
        .take(line::BEGINNING_BYTES)
        .read_to_end(&mut left)
        .map_err(failed)?;
    if !line::begins(&left) {
        return Err(AuditError::unfit(
            path,
            "it does not begin like an audit log, and was left as it is",
            "move it away: the log is rotated by this name",
        ));
    }
    let size = line.len() as u64;
    let mut write = || {
        file.set_len(0)?;
        lock(&file)?;
        room::reserve(&file, size)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    if let Err(error) = write() {
        fs::remove_file(path).ok();
        return Err(failed(error));
    }
    own_file::close_to_others(&file, path)?;
    Ok((file, size))
}

fn sync_directory(log: &Path) -> io::Result<()> {
    let directory = log.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_rotated_by_its_size_or_its_age_and_by_default_never() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let days = |days: i64| Some(now - SignedDuration::from_hours(24 * days));
        let never = Rotation::default();
        assert!(!never.is_due(u64::MAX, days(36500), now));
        assert!(!never.asks_for_age() && never.is_never());
        let by_size = Rotation {
            bytes: NonZero::new(1000),
            ..never
        };
        assert!(!by_size.is_due(999, days(365), now));
        assert!(by_size.is_due(1000, None, now));
        let by_age = Rotation {
            days: NonZero::new(30),
            ..never
        };
        assert!(by_age.asks_for_age() && !by_age.is_never() && !by_size.is_never());
        assert!(!by_age.is_due(u64::MAX, days(29), now));
        assert!(by_age.is_due(0, days(30), now));
        assert!(!by_age.is_due(u64::MAX, None, now));
        // A clock that was set back makes nothing old.
        assert!(!by_age.is_due(0, days(-30), now));
    }

    #[test]
    fn so_many_files_are_kept_as_it_says() {
        let files = |numbers: &[u64]| -> Vec<Archived> {
            let it = numbers.iter();
            it.map(|&number| Archived {
                number,
                path: PathBuf::new(),
            })
            .collect()
        };
        let keep = |keep| Rotation {
            keep: NonZero::new(keep),
            ..Rotation::default()
        };
        assert_eq!(keep(0).oldest(1, &[]), 1);
        assert_eq!(keep(0).oldest(5, &files(&[3, 4])), 3);
        assert_eq!(keep(2).oldest(1, &[]), 1);
        assert_eq!(keep(2).oldest(5, &files(&[3, 4])), 4);
        assert_eq!(keep(1).oldest(5, &files(&[3, 4])), 5);
        assert_eq!(keep(9).oldest(5, &files(&[3, 4])), 3);
    }
}
