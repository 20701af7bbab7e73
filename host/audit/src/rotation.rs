use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufReader, Read, Seek, Write},
    num::NonZero,
    ops::ControlFlow,
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use rustix::process::geteuid;
use tailmint_core::fail_point;

use crate::{
    Actor, AuditError, Record,
    archive::{self, Archived, Identity},
    beginning::{Beginning, Continuation},
    line::{self, Link},
    line_reader,
    lock::lock,
    own_file, room, verification,
};

/// How the name of the next file ends, behind that of the log, until it takes its place.
pub(crate) const NEXT_EXTENSION: &str = "new";

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
}

/// A log whose next file has its name.
pub(crate) struct Next {
    /// The next file, locked.
    pub(crate) file: File,
    pub(crate) identity: Identity,
    pub(crate) size: u64,
    /// Its first line.
    pub(crate) link: Link,
    /// Where the lines before are.
    pub(crate) archived: PathBuf,
    /// What could not be done once the next file had the name.
    pub(crate) left_over: Option<String>,
}

/// Gives the log its next file, which continues the chain of this one. The file has to be
/// locked, to have the name of the log, and to end with a whole line.
///
/// The file is there under its new name before the next one takes the log's: whenever the
/// process is killed, the log has one of the two, and no line is in neither or in both. Once
/// the next file has the name, this one is not written to any more: no error hides it.
///
/// `None` where the log has no line but the one that continues another file.
///
/// What fails for good, as where there are no hard links, fails before the lines are read:
/// who mints waits for that each time.
pub(crate) fn rotate(
    log: &Path,
    file: &File,
    rotation: Rotation,
    actor: &Actor,
) -> Result<Option<Next>, AuditError> {
    rotate_removing(log, file, rotation, actor, |path| fs::remove_file(path))
}

fn rotate_removing(
    log: &Path,
    mut file: &File,
    rotation: Rotation,
    actor: &Actor,
    remove: impl Fn(&Path) -> io::Result<()>,
) -> Result<Option<Next>, AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(log, &error);
    is_owned(log, file)?;
    file.sync_all().map_err(failed)?;
    let Some(after) = number_before(file).map_err(failed)? else {
        return Ok(None);
    };
    let files = archive::list(log).map_err(failed)?;
    let (number, is_linked) = number_for(log, file, after).map_err(failed)?;
    let archived = archive::path(log, number);
    let next = log.with_file_name(next_name(log));
    let next_file = take_next(&next)?;
    let made = (|| {
        if !is_linked {
            fs::hard_link(log, &archived).map_err(|error| without_second_name(log, &error))?;
        }
        sync_directory(log).map_err(failed)?;
        fail_point("audit-rotate-linked");
        file.rewind().map_err(failed)?;
        let found = verification::follow_file(file).map_err(failed)?;
        let before = found.head.as_ref().map_or_else(Link::default, |head| Link {
            sequence: head.number.unwrap_or(0),
            hash: head.hash.clone(),
        });
        let kept = Kept::of(&files, number, rotation.keep);
        let name = archive::name(log, number);
        let content = Continuation::of(name, number, kept.oldest, &found, actor);
        let now = Timestamp::now();
        let (text, link) = line::write(&before, now, &content).map_err(|it| failed(it.into()))?;
        let size = write_next(&next, &next_file, file, &format!("{text}\n"))?;
        let identity = archive::identity(&next_file).map_err(failed)?;
        fail_point("audit-rotate-written");
        fs::rename(&next, log).map_err(failed)?;
        Ok((kept, link, size, identity))
    })();
    let (kept, link, size, identity) = match made {
        Ok(made) => made,
        Err(error) => {
            fs::remove_file(&next).ok();
            if !is_linked {
                unlink(log, file, &archived);
            }
            return Err(error);
        }
    };
    let mut left_over = sync_directory(log)
        .err()
        .map(|error| format!("its directory may not be on disk yet: {error}"));
    fail_point("audit-rotate-renamed");
    for path in kept.removed {
        match remove(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => left_over = Some(format!("{} stays: {error}", path.display())),
        }
    }
    Ok(Some(Next {
        file: next_file,
        identity,
        size,
        link,
        archived,
        left_over,
    }))
}

/// Who rotates a log gives it a file of their own: others who write to it could not any more.
fn is_owned(log: &Path, file: &File) -> Result<(), AuditError> {
    let metadata = file
        .metadata()
        .map_err(|error| AuditError::unwritable(log, &error))?;
    let owner = metadata.uid();
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(AuditError::unfit(
        log,
        format!("only its owner rotates it, the user {owner}"),
        "run tailmint audit rotate as that user",
    ))
}

/// Hard links are not everywhere, and not between what is mounted by itself and what is
/// around it.
fn without_second_name(log: &Path, error: &io::Error) -> AuditError {
    AuditError::unfit(
        log,
        format!("it cannot have a second name: {error}"),
        "keep the log in a directory on a file system with hard links; mount the directory, not the file; and let the file be changed (no chattr +a)",
    )
}

/// The number of the file that this one continues, or 0. `None` where it has no line of its own.
fn number_before(mut file: &File) -> io::Result<Option<u64>> {
    file.rewind()?;
    let mut lines = 0;
    let found = verification::follow_lines(BufReader::new(file), |_| {
        lines += 1;
        if lines < 2 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    let continues = found.continues.map(|it| it.number);
    let own = found.entries.saturating_sub(u64::from(continues.is_some()));
    Ok((own > 0).then_some(continues.unwrap_or(0)))
}

/// The number that this file has from now on: the next one after the file that it continues
/// which no other has; and whether it is there already, where a rotation was cut off.
fn number_for(log: &Path, file: &File, after: u64) -> io::Result<(u64, bool)> {
    let own = archive::identity(file)?;
    let mut number = after;
    loop {
        number = number
            .checked_add(1)
            .filter(|it| *it <= archive::MOST)
            .ok_or_else(|| io::Error::other("there is no number for another file"))?;
        let path = archive::path(log, number);
        if archive::is_at(own, &path)? {
            return Ok((number, true));
        }
        if let Err(error) = path.symlink_metadata() {
            return match error.kind() {
                io::ErrorKind::NotFound => Ok((number, false)),
                _ => Err(error),
            };
        }
    }
}

/// Takes the second name back that a rotation gave the file before it failed.
fn unlink(log: &Path, file: &File, archived: &Path) {
    let Ok(own) = archive::identity(file) else {
        return;
    };
    let has = |path: &Path| archive::is_at(own, path).is_ok_and(|it| it);
    if has(log) && has(archived) {
        fs::remove_file(archived).ok();
    }
}

/// Which files are kept, and which are removed.
struct Kept {
    /// The number of the oldest that is kept.
    oldest: u64,
    removed: Vec<PathBuf>,
}

impl Kept {
    /// Once there is a file with this number. Files are counted: what has such a name and is
    /// no file of the log is neither counted nor removed.
    fn of(files: &[Archived], number: u64, keep: Option<NonZero<u32>>) -> Self {
        let before = files.iter().filter(|it| it.number < number);
        let own: Vec<&Archived> = before.filter(|it| is_file_of_log(it)).collect();
        let keep = keep.map_or(usize::MAX, |it| it.get() as usize);
        // The file that is rotated is one of them.
        let removed = (own.len() + 1).saturating_sub(keep);
        let (removed, kept) = own.split_at(removed);
        Self {
            oldest: kept.first().map_or(number, |it| it.number),
            removed: removed.iter().map(|it| it.path.clone()).collect(),
        }
    }
}

/// Whether it is a file of the user's or root's whose first line is the first of a log, or
/// continues one with a lower number.
fn is_file_of_log(archived: &Archived) -> bool {
    let opened = own_file::open(OpenOptions::new().read(true), &archived.path);
    let Ok(Some(file)) = opened else {
        return false;
    };
    let Ok(Some(first)) = line_reader::first_line(&file) else {
        return false;
    };
    let is_first = first.link.sequence == 1;
    let beginning = Beginning::read(&Record(first.members));
    beginning.map_or(is_first, |it| it.number < archived.number)
}

/// What the next file is called until it is whole.
fn next_name(log: &Path) -> String {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.{NEXT_EXTENSION}")
}

/// The next file, locked. One that was left behind by a process that was killed is taken: only
/// who has locked the log writes it. It has no line, or the one that continues another file.
fn take_next(path: &Path) -> Result<File, AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(path, &error);
    let missing = || failed(io::ErrorKind::NotFound.into());
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let file = own_file::open(&options, path)?.ok_or_else(missing)?;
    lock(&file).map_err(failed)?;
    let mut left = Vec::new();
    (&file)
        .take(2 * line::MAX_LINE_BYTES as u64)
        .read_to_end(&mut left)
        .map_err(failed)?;
    if is_left_behind(&left) {
        return Ok(file);
    }
    Err(AuditError::unfit(
        path,
        "it is not what a rotation leaves behind, and was left as it is",
        "move it away: the log is rotated by this name",
    ))
}

/// Whether it is nothing, the line that continues another file, or a part of one.
fn is_left_behind(text: &[u8]) -> bool {
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    if whole.contains(&b'\n') {
        return false;
    }
    match line::read(whole) {
        Ok(line) => Beginning::read(&Record(line.members)).is_some(),
        Err(_) => whole.len() == text.len() && line::begins(text),
    }
}

/// Writes the line to the next file, on disk, for those who have this one. Returns its size.
fn write_next(path: &Path, next: &File, file: &File, line: &str) -> Result<u64, AuditError> {
    let size = line.len() as u64;
    let write = || {
        let before = file.metadata()?;
        next.set_len(0)?;
        if next.metadata()?.gid() != before.gid() {
            fchown(next, None, Some(before.gid()))?;
        }
        next.set_permissions(Permissions::from_mode(before.mode() & 0o7777))?;
        room::reserve(next, size)?;
        { next }.write_all(line.as_bytes())?;
        next.sync_all()
    };
    write().map_err(|error| AuditError::unwritable(path, &error))?;
    Ok(size)
}

fn sync_directory(log: &Path) -> io::Result<()> {
    let directory = log.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuditFile;

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
    fn what_cannot_be_removed_stays_and_the_log_goes_on_in_its_next_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let actor = Actor {
            uid: 1000,
            user: None,
            pid: 1,
        };
        let rotation = Rotation {
            keep: NonZero::new(1),
            ..Rotation::default()
        };
        let turn = |remove: &dyn Fn(&Path) -> io::Result<()>| {
            let log = AuditFile::open(path.clone()).unwrap();
            log.record(&serde_json::json!({ "event": "decision" }))
                .unwrap();
            let file = File::options().read(true).append(true).open(&path).unwrap();
            let next = rotate_removing(&path, &file, rotation, &actor, remove);
            let next = next.unwrap().unwrap();
            assert!(archive::is_at(next.identity, &path).unwrap());
            next.left_over
        };
        assert_eq!(turn(&|_| unreachable!("there is none")), None);
        let said = turn(&|_| Err(io::ErrorKind::PermissionDenied.into())).unwrap();
        assert!(
            said.ends_with("audit.jsonl.000001 stays: permission denied"),
            "{said}"
        );
        // Somebody else removed it meanwhile.
        assert_eq!(turn(&|_| Err(io::ErrorKind::NotFound.into())), None);
        let found = crate::verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 6, 4));
        assert_eq!(turn(&|path| fs::remove_file(path)), None);
        let found = crate::verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 3, 2));
    }

    #[test]
    fn what_a_rotation_left_behind_is_told_from_a_log() {
        let line = |event: &str| {
            let said = serde_json::json!({
                "event": event, "file": "audit.jsonl.000001", "last": 0, "oldest": 1,
                "tree": { "size": 0, "peaks": [] },
            });
            line::write(&Link::default(), Timestamp::UNIX_EPOCH, &said)
                .unwrap()
                .0
        };
        let rotated = line("rotated");
        for left in ["", "{", &rotated[..40], &rotated, &format!("{rotated}\n")] {
            assert!(is_left_behind(left.as_bytes()), "{left}");
        }
        let decision = line("decision");
        for log in [
            "\n",
            "{\n",
            "something else",
            &decision,
            &format!("{decision}\n"),
            &format!("{rotated}\n{decision}\n"),
        ] {
            assert!(!is_left_behind(log.as_bytes()), "{log}");
        }
    }
}
