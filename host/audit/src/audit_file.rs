use std::{
    collections::HashSet,
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use tailmint_core::{Environment, Secret, fail_point};

use crate::{
    Actor, Audit, AuditError, AuditErrorKind, AuditEvent, Entry, Rotation, Shipping,
    archive::{self, Identity},
    fingerprint::Fingerprints,
    line::{self, Link},
    lock::lock,
    own_file, room, rotation, shipped,
    shipper::{Remarks, Shipper, WAITED},
    signing_key,
    tail::Tail,
};

/// No log is rotated so often between two calls to the system. Some file systems may
/// number a file anew each time: there, what was opened is taken for the log.
const MOST_TRIES: usize = 100;

/// How many lines are shipped before others may write.
const MOST_SHIPPED: usize = 256;

/// How long others have then. Who waits for the log asks for it each millisecond.
const BETWEEN_PARTS: Duration = Duration::from_millis(10);

/// A file of JSON lines, each of which has the hash of the one before.
///
/// Many processes may append to it at once, and one of them may rotate it meanwhile. It is
/// readable by its owner only.
pub struct AuditFile {
    path: PathBuf,
    state: Mutex<State>,
    fingerprints: Fingerprints,
    rotation: Rotation,
    notice: Option<Arc<Notice>>,
}

/// Takes what somebody should know, in a line.
type Notice = dyn Fn(&str) + Send + Sync;

struct State {
    file: File,
    /// Which file that is, whatever its name is by now.
    identity: Identity,
    /// Where the chain ends, and the size of the file then: as long as the size
    /// is the same, nobody has appended since.
    end: Option<(u64, Link)>,
    shipper: Option<Shipper>,
    /// What was said already.
    said: HashSet<&'static str>,
}

/// What a notice is about: each is said once.
const NOT_ROTATED: &str = "the log cannot be rotated, and is written on";
const NOT_SHIPPED: &str = "what is written to the log is not shipped yet";
const NOT_REMOVED: &str = "the log was rotated, and not all is done";
const OF_ANOTHER: &str =
    "what was shipped last is of another log, and all lines of this one are shipped";
const NOT_READ: &str = "lines are not shipped, as their file cannot be read";

/// A log that was rotated.
struct Rotated {
    /// Where the lines before are.
    archived: PathBuf,
    /// What could not be done then.
    left_over: Option<String>,
}

/// How a line is written.
#[derive(Clone, Copy)]
struct Writing {
    /// It is on disk then.
    is_durable: bool,
    /// Room is kept for those that may follow.
    has_sequel: bool,
}

impl AuditFile {
    /// Where it is kept if nothing else is said: under `$XDG_STATE_HOME`, or
    /// `~/.local/state`. Where `$HOME` is not set, under the first directory of
    /// `$STATE_DIRECTORY`, which systemd sets for a service with `StateDirectory=`, or
    /// the home directory that the table of users has.
    pub fn default_path(environment: &Environment) -> Option<PathBuf> {
        let in_home = |home: PathBuf| home.join(".local/state");
        let base = environment
            .base_directory("XDG_STATE_HOME")
            .or_else(|| environment.home_variable().map(in_home))
            .or_else(|| state_directory(environment))
            .or_else(|| environment.home().map(in_home))?;
        Some(base.join("tailmint").join("audit.jsonl"))
    }

    /// Why there is no [`AuditFile::default_path`], where there is none.
    pub const NO_PATH: &str = "there is no directory for the audit log: neither $STATE_DIRECTORY nor $HOME is set, and this user has no home directory";

    /// Opens the file, or creates it, with its directories. A file that is not a log is left
    /// as it is.
    ///
    /// # Errors
    /// It cannot be written to, is not a regular file, is someone else's, or holds
    /// something else.
    pub fn open(path: PathBuf) -> Result<Self, AuditError> {
        if let Some(directory) = path.parent() {
            let made = make_directory(directory);
            made.map_err(|error| AuditError::unwritable(&path, &error))?;
        }
        Self::opened(path, true)
    }

    /// The same with a file that is there.
    ///
    /// # Errors
    /// It is not there, or cannot be written to.
    pub fn open_existing(path: PathBuf) -> Result<Self, AuditError> {
        Self::opened(path, false)
    }

    fn opened(path: PathBuf, create: bool) -> Result<Self, AuditError> {
        is_name_of_a_log(&path)?;
        let failed = |path: &Path, error: &io::Error| AuditError::unwritable(path, error);
        let file = open_log(&path, create)?;
        Ok(Self {
            fingerprints: Fingerprints::beside(&path)?,
            state: Mutex::new(State {
                identity: archive::identity(&file).map_err(|it| failed(&path, &it))?,
                file,
                end: None,
                shipper: None,
                said: HashSet::new(),
            }),
            path,
            rotation: Rotation::default(),
            notice: None,
        })
    }

    /// Rotates the log by itself from now on, before a decision is written, where that is due.
    /// Where it cannot be rotated, it is written on.
    #[must_use]
    pub fn rotating(self, rotation: Rotation) -> Self {
        Self { rotation, ..self }
    }

    /// Sends each line to another program too, once it is in the file, and those that could
    /// not be sent before. No request waits for that for longer than 50 ms; a line that is
    /// not taken stays in the file, and is sent with a later one.
    ///
    /// # Errors
    /// What was shipped cannot be kept beside the log.
    pub fn shipping(mut self, shipping: &Shipping) -> Result<Self, AuditError> {
        let shipper = Shipper::beside(&self.path, shipping)?;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.shipper = Some(shipper);
        Ok(self)
    }

    /// Sends the lines that could not be sent when they were written, or all since a time, and
    /// says how many these are. A program that takes no line for 5 s takes nothing. Others
    /// write to the log meanwhile.
    ///
    /// # Errors
    /// The log is not shipped, or what it is shipped to takes nothing.
    pub fn ship(&self, since: Option<jiff::Timestamp>) -> Result<usize, AuditError> {
        let failed = |error: &io::Error| AuditError::unshipped(&self.path, error);
        let nowhere = || failed(&io::Error::other("no program is configured for it"));
        if let Some(since) = since {
            let sender = self.state().shipper.as_ref().map(Shipper::sender);
            let sent = sender.ok_or_else(nowhere)?.send_since(&self.path, since);
            let (sent, remarks) = sent.map_err(|it| failed(&it))?;
            self.remark(&mut self.state(), &remarks);
            return Ok(sent);
        }
        let mut all = 0;
        let mut taken = Instant::now();
        loop {
            let progress = self.locked(|state| {
                let shipper = state.shipper.as_mut().ok_or_else(nowhere)?;
                let progress = shipper.catch_up(&self.path, MOST_SHIPPED);
                let progress = progress.map_err(|it| failed(&it))?;
                self.remark(state, &progress.remarks);
                Ok(progress)
            })?;
            if progress.is_whole {
                return Ok(all + progress.sent);
            }
            all += progress.sent;
            if progress.sent > 0 {
                taken = Instant::now();
            }
            if let Some(error) = progress.failure
                && (error.kind() != io::ErrorKind::WouldBlock || taken.elapsed() >= WAITED)
            {
                return Err(failed(&error));
            }
            // Others write between two parts.
            thread::sleep(BETWEEN_PARTS);
        }
    }

    /// Who is told, once each, that the log cannot be rotated, or that it is not shipped.
    #[must_use]
    pub fn noticing(self, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let notice = Some(Arc::new(notice) as Arc<Notice>);
        Self { notice, ..self }
    }

    /// Gives the log its next file, and says where the lines before are. `None` where there
    /// are none.
    ///
    /// # Errors
    /// It cannot be rotated.
    pub fn rotate(&self, actor: &Actor) -> Result<Option<PathBuf>, AuditError> {
        self.locked(|state| self.turn(state, actor))
    }

    fn turn(&self, state: &mut State, actor: &Actor) -> Result<Option<PathBuf>, AuditError> {
        let rotated = state.rotate(&self.path, self.rotation, actor)?;
        Ok(rotated.map(
            |Rotated {
                 archived,
                 left_over,
             }| {
                if let Some(left_over) = left_over {
                    self.say(state, NOT_REMOVED, &left_over);
                }
                archived
            },
        ))
    }

    /// Writes a line that is no entry about a request, so that it is on disk.
    pub(crate) fn record(&self, content: &impl Serialize) -> Result<(), AuditError> {
        let writing = Writing {
            is_durable: true,
            has_sequel: false,
        };
        self.locked(|state| {
            let written = state.write(content, writing);
            let line = written.map_err(|error| AuditError::unwritable(&self.path, &error))?;
            self.ship_last(state, &line);
            Ok(())
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has no other process write meanwhile.
    fn locked<T>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        let failed = |error: io::Error| AuditError::unwritable(&self.path, &error);
        let mut state = self.state();
        state.lock(&self.path)?;
        let done = work(&mut state);
        state.file.unlock().map_err(failed)?;
        done
    }

    fn ship_last(&self, state: &mut State, line: &str) {
        let State { shipper, end, .. } = state;
        let (Some(shipper), Some((end, link))) = (shipper, end) else {
            return;
        };
        match shipper.ship(&self.path, line, link, *end) {
            Ok(remarks) => self.remark(state, &remarks),
            Err(error) => self.say(state, NOT_SHIPPED, &error),
        }
    }

    fn remark(&self, state: &mut State, remarks: &Remarks) {
        if remarks.is_of_another {
            let mark = self.path.with_extension(shipped::EXTENSION);
            self.say(state, OF_ANOTHER, &mark.display());
        }
        if let Some(unread) = &remarks.unread {
            self.say(state, NOT_READ, unread);
        }
    }

    fn say(&self, state: &mut State, what: &'static str, error: &dyn Display) {
        if state.said.insert(what)
            && let Some(notice) = &self.notice
        {
            notice(&format!("{what}: {error}"));
        }
    }

    fn rotate_if_due(&self, state: &mut State, actor: &Actor) -> Result<(), AuditError> {
        let rotated = match state.is_due(self.rotation) {
            Ok(false) => return Ok(()),
            Ok(true) => self.turn(state, actor).map(|_| ()),
            Err(error) => Err(AuditError::unwritable(&self.path, &error)),
        };
        let Err(error) = rotated else {
            return Ok(());
        };
        match error.kind() {
            AuditErrorKind::Unfit { remedy } => {
                self.say(state, NOT_ROTATED, &format!("{error}; {remedy}"));
            }
            _ => self.say(state, NOT_ROTATED, &error),
        }
        // Whatever was done of it, what is written next is in the file with the log's name.
        state.lock(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The first of the directories that systemd made for the service.
fn state_directory(environment: &Environment) -> Option<PathBuf> {
    let all = environment.get("STATE_DIRECTORY")?;
    let first = std::env::split_paths(all).next()?;
    first.is_absolute().then_some(first)
}

fn make_directory(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// The names of the files beside a log are not for logs.
fn is_name_of_a_log(path: &Path) -> Result<(), AuditError> {
    let of_others = [
        "key",
        signing_key::EXTENSION,
        signing_key::NEXT_EXTENSION,
        shipped::EXTENSION,
        rotation::NEXT_EXTENSION,
    ];
    if path
        .extension()
        .is_some_and(|own| of_others.iter().any(|it| own == *it))
    {
        return Err(AuditError::unfit(
            path,
            "its name is that of a file beside a log",
            "name another file, such as audit.jsonl",
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if archive::number(&name).is_some() {
        return Err(AuditError::unfit(
            path,
            "its name is that of a file that a log was rotated to",
            "name the log, without the number",
        ));
    }
    Ok(())
}

/// Opens the file that has the name now, or creates it if it may.
fn open_log(path: &Path, create: bool) -> Result<File, AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(path, &error);
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(create);
    let missing = || {
        AuditError::unfit(
            path,
            "it is not there",
            "name the file of an audit log with --audit-file",
        )
    };
    let file = own_file::open(&options, path)?.ok_or_else(missing)?;
    if !line::begins(&beginning(&file).map_err(failed)?) {
        return Err(AuditError::unfit(
            path,
            "it does not begin like an audit log, and was left as it is",
            "name a file that does not exist yet, or move this one away",
        ));
    }
    own_file::close_to_others(&file, path)?;
    Ok(file)
}

fn beginning(mut file: &File) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    file.rewind()?;
    file.take(line::BEGINNING_BYTES)
        .read_to_end(&mut beginning)?;
    Ok(beginning)
}

impl Audit for AuditFile {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        let writing = Writing {
            is_durable: entry.is_durable(),
            has_sequel: entry.has_sequel(),
        };
        self.locked(|state| {
            // What follows a decision is written in the room that was kept for it.
            if entry.event == AuditEvent::Decision {
                self.rotate_if_due(state, entry.actor)?;
            }
            let appended = state.write(entry, writing);
            let line = appended.map_err(|error| AuditError::unwritable(&self.path, &error))?;
            self.ship_last(state, &line);
            Ok(())
        })
    }

    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        Some(self.fingerprints.of(secret))
    }
}

impl State {
    /// Locks the file that has the name of the log. Where it was rotated since it was opened,
    /// that is the next one.
    fn lock(&mut self, path: &Path) -> Result<(), AuditError> {
        let failed = |error: io::Error| AuditError::unwritable(path, &error);
        for _ in 0..MOST_TRIES {
            lock(&self.file).map_err(failed)?;
            if archive::is_at(self.identity, path).map_err(failed)? {
                return Ok(());
            }
            // Its lock ends with it.
            self.file = open_log(path, true)?;
            self.identity = archive::identity(&self.file).map_err(failed)?;
            self.end = None;
        }
        lock(&self.file).map_err(failed)
    }

    fn is_due(&mut self, rotation: Rotation) -> io::Result<bool> {
        if rotation.is_never() {
            return Ok(false);
        }
        let size = self.file.metadata()?.len();
        let begun = if rotation.asks_for_age() {
            line::begun(&beginning(&self.file)?)
        } else {
            None
        };
        Ok(rotation.is_due(size, begun, jiff::Timestamp::now()))
    }

    fn rotate(
        &mut self,
        path: &Path,
        rotation: Rotation,
        actor: &Actor,
    ) -> Result<Option<Rotated>, AuditError> {
        let failed = |error: io::Error| AuditError::unwritable(path, &error);
        self.settle().map_err(failed)?;
        // What was not shipped is not removed.
        let is_behind = match (&self.shipper, &self.end) {
            (Some(shipper), Some((_, last))) => shipper.is_behind(last).map_err(failed)?,
            _ => false,
        };
        let rotation = Rotation {
            keep: rotation.keep.filter(|_| !is_behind),
            ..rotation
        };
        let next = rotation::rotate(path, &self.file, rotation, actor)?;
        let Some(next) = next else {
            return Ok(None);
        };
        self.identity = next.identity;
        self.file = next.file;
        self.end = Some((next.size, next.link));
        Ok(Some(Rotated {
            archived: next.archived,
            left_over: next.left_over,
        }))
    }

    /// Records what was cut off at the end, so that the file ends with a whole line.
    fn settle(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let tail = Tail::find(&mut self.file, size)?;
        let (text, link) = recorded(&tail, jiff::Timestamp::now())?;
        self.put(size, &text)?;
        self.end = Some((size + text.len() as u64, link));
        Ok(())
    }

    /// Writes the line, and says what it is.
    fn write(&mut self, content: &impl Serialize, writing: Writing) -> io::Result<String> {
        let size = self.file.metadata()?.len();
        let tail = match self.end.take() {
            Some((end, link)) if end == size => Tail::whole(link),
            _ => Tail::find(&mut self.file, size)?,
        };
        let now = jiff::Timestamp::now();
        let (mut text, link) = recorded(&tail, now)?;
        let (line, link) = line::write(&link, now, content)?;
        if line.len() > line::MAX_LINE_BYTES {
            let bytes = line.len();
            return Err(io::Error::other(format!("the line has {bytes} bytes")));
        }
        text.push_str(&line);
        text.push('\n');
        if writing.has_sequel {
            room::reserve(&self.file, size + text.len() as u64)?;
        }
        fail_point("audit-before-writing");
        self.put(size, &text)?;
        // The others are on disk with the next that is, at the latest. A mint waits
        // for the disk once, not for its token too.
        if writing.is_durable {
            fail_point("audit-before-syncing");
            self.file.sync_data()?;
            fail_point("audit-synced");
        }
        self.end = Some((size + text.len() as u64, link));
        Ok(line)
    }

    /// Writes it behind the end, all of it or nothing.
    fn put(&mut self, size: u64, text: &str) -> io::Result<()> {
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // What was written of it would be a torn line for the next. To cut a file at
            // its end gives back the room behind it.
            if self.file.metadata()?.len() != size {
                self.file.set_len(size)?;
            }
            return Err(error);
        }
        Ok(())
    }
}

/// What records the end that was cut off, if it was, and the link to go on from.
fn recorded(tail: &Tail, now: jiff::Timestamp) -> io::Result<(String, Link)> {
    let mut text = String::new();
    if tail.is_unfinished {
        text.push('\n');
    }
    let Some(torn) = &tail.torn else {
        return Ok((text, tail.link.clone()));
    };
    let (line, link) = line::write(&tail.link, now, torn)?;
    text.push_str(&line);
    text.push('\n');
    Ok((text, link))
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZero, ops::ControlFlow};

    use super::*;
    use crate::{Context, verify};

    fn context() -> Context {
        Context::new(actor())
    }

    fn append(path: &Path) -> Result<(), AuditError> {
        let context = context();
        // Nothing waits for the disk.
        let entry = context.entry("run", AuditEvent::Response, "mint");
        AuditFile::open(path.to_owned())?.append(&entry)
    }

    /// A log of so many lines, and its text.
    fn log(lines: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        for _ in 0..lines {
            append(&path).unwrap();
        }
        let text = fs::read(&path).unwrap();
        (directory, path, text)
    }

    /// Cuts the text off there. Neither then, nor once more was written, is it called
    /// changed.
    fn cut(path: &Path, text: &[u8], at: usize) -> (Vec<u8>, [usize; 2]) {
        fs::write(path, &text[..at]).unwrap();
        let before = verify(path).unwrap();
        assert_eq!(before.breaks, [], "cut at {at}");
        append(path).unwrap();
        let after = verify(path).unwrap();
        assert_eq!(after.breaks, [], "cut at {at}, and written to");
        assert!(!after.torn_tail, "cut at {at}");
        let torn = [usize::from(before.torn_tail), after.torn];
        (fs::read(path).unwrap(), torn)
    }

    fn actor() -> Actor {
        Actor {
            uid: 1000,
            user: None,
            pid: 1,
        }
    }

    /// Has it rotated, with as many files as that kept.
    fn rotate(path: &Path, keep: u32) -> Option<PathBuf> {
        let log = AuditFile::open(path.to_owned()).unwrap();
        let rotation = Rotation {
            keep: NonZero::new(keep),
            ..Rotation::default()
        };
        log.rotating(rotation).rotate(&actor()).unwrap()
    }

    /// A log of three files with two lines each, beside the first lines.
    fn rotated() -> (tempfile::TempDir, PathBuf) {
        let (directory, path, _) = log(2);
        for number in [1, 2] {
            assert_eq!(rotate(&path, 0), Some(archive::path(&path, number)));
            append(&path).unwrap();
            append(&path).unwrap();
        }
        (directory, path)
    }

    #[test]
    fn the_chain_goes_on_through_all_files() {
        let (_directory, path) = rotated();
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 8, 3));
        assert_eq!((found.continues, found.oldest), (None, Some(1)));
        // The same from the lines of all files, one after the other.
        let files = [archive::path(&path, 1), archive::path(&path, 2), path];
        let text = files.map(|it| fs::read(it).unwrap()).concat();
        let in_one = crate::follow_lines(&*text, |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((in_one.breaks.len(), in_one.entries), (0, 8));
        assert_eq!((in_one.head, in_one.tree), (found.head, found.tree));
    }

    #[test]
    fn what_is_missing_of_the_files_is_found() {
        let broken = |change: &dyn Fn(&Path)| {
            let (_directory, path) = rotated();
            change(&path);
            let found = verify(&path).unwrap();
            let breaks = found.breaks.iter();
            let breaks = breaks
                .map(|it| (it.file.clone().unwrap(), it.line))
                .collect();
            (breaks, found)
        };
        let file = |number| archive::name(Path::new("audit.jsonl"), number);
        let at = |name: String, line: usize| vec![(name, line)];
        // The oldest: it is said.
        let (breaks, found) = broken(&|log| fs::remove_file(archive::path(log, 1)).unwrap());
        let continued = found.continues.unwrap();
        assert_eq!((breaks, found.entries), (vec![], 6));
        assert_eq!((continued.number, continued.line), (1, 3));
        assert_eq!(found.tree.size(), 8);
        // One in the middle, or the lines at its end.
        let (breaks, _) = broken(&|log| fs::remove_file(archive::path(log, 2)).unwrap());
        assert_eq!(breaks[0], ("audit.jsonl".to_owned(), 1));
        for number in [1, 2] {
            let next = if number == 1 {
                file(2)
            } else {
                "audit.jsonl".to_owned()
            };
            let (breaks, _) = broken(&|log| {
                let path = archive::path(log, number);
                let text = fs::read(&path).unwrap();
                fs::write(&path, &text[..start_of_last_line(&text)]).unwrap();
            });
            assert_eq!(breaks[0], (next, 1), "{number}");
            // Something behind it, which nobody writes once a file is rotated.
            let (breaks, found) = broken(&|log| {
                let mut options = OpenOptions::new();
                let mut file = options
                    .append(true)
                    .open(archive::path(log, number))
                    .unwrap();
                file.write_all(b"{").unwrap();
            });
            let line = if number == 1 { 3 } else { 4 };
            assert_eq!(breaks, at(file(number), line), "{number}");
            assert!(!found.torn_tail);
        }
        // Two that were exchanged, and a line that was changed.
        let (breaks, _) = broken(&|log| {
            let [first, second, aside] = [1, 2, 3].map(|it| archive::path(log, it));
            fs::rename(&first, &aside).unwrap();
            fs::rename(&second, &first).unwrap();
            fs::rename(&aside, &second).unwrap();
        });
        assert!(!breaks.is_empty());
        let (breaks, _) = broken(&|log| {
            let path = archive::path(log, 2);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replacen("mint", "menu", 1)).unwrap();
        });
        assert_eq!(breaks[0], (file(2), 2));
    }

    #[test]
    fn as_many_files_are_kept_as_it_says_and_the_rest_can_be_followed() {
        let (_directory, path) = rotated();
        let whole = verify(&path).unwrap();
        rotate(&path, 2);
        let files = archive::list(&path).unwrap();
        let numbers: Vec<_> = files.iter().map(|it| it.number).collect();
        assert_eq!(numbers, [2, 3]);
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.oldest), (0, Some(2)));
        assert_eq!(found.continues.unwrap().number, 1);
        assert_eq!(found.tree.size(), whole.tree.size() + 1);
        // All but the last are removed by hand.
        for it in files {
            fs::remove_file(it.path).unwrap();
        }
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries), (0, 1));
        assert_eq!(found.continues.unwrap().number, 3);
        assert_eq!(found.oldest, Some(2));
        // The next one has a number of its own.
        append(&path).unwrap();
        assert_eq!(rotate(&path, 0), Some(archive::path(&path, 4)));
    }

    #[test]
    fn a_file_with_a_number_that_is_none_of_the_log_is_neither_counted_nor_removed() {
        let (_directory, path) = rotated();
        let copy = path.with_file_name("audit.jsonl.20261126");
        fs::copy(&path, &copy).unwrap();
        let other = path.with_file_name("audit.jsonl.000003");
        fs::write(&other, "something else").unwrap();
        for _ in 0..2 {
            rotate(&path, 3);
            append(&path).unwrap();
        }
        let files = archive::list(&path).unwrap();
        let numbers: Vec<_> = files.iter().map(|it| it.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 20_261_126]);
        assert_eq!(fs::read_to_string(&other).unwrap(), "something else");
        // Without them, the rest can be followed.
        fs::remove_file(copy).unwrap();
        fs::remove_file(other).unwrap();
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks, found.oldest), (vec![], Some(2)));
        assert_eq!(found.files, 4);
    }

    #[test]
    fn the_next_file_is_as_open_as_the_one_before() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let (_directory, path, _) = log(1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let before = path.metadata().unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, None, Some(12345)).unwrap();
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let group = path.metadata().unwrap().gid();
        let archived = rotate(&path, 0).unwrap();
        for path in [&path, &archived] {
            let after = path.metadata().unwrap();
            assert_eq!((after.uid(), after.gid()), (before.uid(), group));
            assert_eq!(after.mode() & 0o077, 0);
        }
        assert_eq!(
            path.metadata().unwrap().mode(),
            archived.metadata().unwrap().mode()
        );
    }

    #[test]
    fn a_log_is_rotated_by_its_owner_alone() {
        // Only root can give one away, and only root takes another's.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (_directory, path, _) = log(2);
        let file = OpenOptions::new().read(true).append(true).open(&path);
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let rotated = rotation::rotate(&path, &file.unwrap(), Rotation::default(), &actor());
        let error = rotated.err().unwrap();
        assert!(
            error
                .to_string()
                .ends_with("only its owner rotates it, the user 12345"),
            "{error}"
        );
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        // The log and its key.
        assert_eq!(names.count(), 2);
    }

    #[test]
    fn a_log_without_a_line_of_its_own_is_not_rotated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        assert_eq!(rotate(&path, 0), None);
        append(&path).unwrap();
        assert!(rotate(&path, 0).is_some());
        assert_eq!(rotate(&path, 0), None);
        assert_eq!(archive::list(&path).unwrap().len(), 1);
    }

    #[test]
    fn what_was_cut_off_is_recorded_before_the_log_is_rotated() {
        let (_directory, path, text) = log(3);
        fs::write(&path, &text[..text.len() - 40]).unwrap();
        rotate(&path, 0);
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.torn), (0, 1));
        assert!(!found.torn_tail);
    }

    #[test]
    fn a_file_that_another_process_rotated_is_left_and_the_next_one_written() {
        let (_directory, path, _) = log(1);
        let context = context();
        let entry = context.entry("run", AuditEvent::Response, "mint");
        let log = AuditFile::open(path.clone()).unwrap();
        log.append(&entry).unwrap();
        rotate(&path, 0);
        log.append(&entry).unwrap();
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 4, 2));
        let archived = fs::read_to_string(archive::path(&path, 1)).unwrap();
        assert_eq!(archived.lines().count(), 2);
    }

    #[test]
    fn a_log_is_rotated_by_itself_before_a_decision() {
        let (_directory, path, _) = log(1);
        let context = context();
        let entry = |event| context.entry("run", event, "mint");
        let rotation = Rotation {
            bytes: NonZero::new(1000),
            ..Rotation::default()
        };
        let log = AuditFile::open(path.clone()).unwrap().rotating(rotation);
        for _ in 0..10 {
            log.append(&entry(AuditEvent::Response)).unwrap();
        }
        assert_eq!(verify(&path).unwrap().files, 1);
        log.append(&entry(AuditEvent::Decision)).unwrap();
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 13, 2));
    }

    #[test]
    fn a_log_that_cannot_be_rotated_is_written_on_and_that_is_said_once() {
        let (_directory, path, _) = log(3);
        // Something else has the name.
        let next = path.with_extension("jsonl.new");
        fs::write(&next, "something else").unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let rotation = Rotation {
            bytes: NonZero::new(1),
            ..Rotation::default()
        };
        let log = AuditFile::open(path.clone()).unwrap().rotating(rotation);
        let told = Arc::clone(&said);
        let log = log.noticing(move |notice| told.lock().unwrap().push(notice.to_owned()));
        let context = context();
        for _ in 0..3 {
            let entry = context.entry("run", AuditEvent::Decision, "mint");
            log.append(&entry).unwrap();
        }
        let found = verify(&path).unwrap();
        assert_eq!((found.breaks.len(), found.entries, found.files), (0, 6, 1));
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 1);
        let what = "the log cannot be rotated, and is written on: the audit file ";
        assert!(said[0].starts_with(what), "{}", said[0]);
        assert_eq!(fs::read_to_string(next).unwrap(), "something else");
    }

    #[test]
    fn a_log_has_another_name_than_the_files_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "audit.signing-key",
            "audit.signing-key-new",
            "audit.shipped",
            "audit.jsonl.new",
            "audit.jsonl.000001",
        ] {
            let path = directory.path().join(name);
            assert!(append(&path).is_err(), "{name}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_log_that_has_to_be_there_is_not_created() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        assert!(AuditFile::open_existing(path.clone()).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        append(&path).unwrap();
        assert!(AuditFile::open_existing(path).is_ok());
    }

    fn start_of_last_line(text: &[u8]) -> usize {
        let newline = text[..text.len() - 1].iter().rposition(|&it| it == b'\n');
        newline.map_or(0, |at| at + 1)
    }

    #[test]
    fn a_line_cut_off_at_any_byte_is_finished_or_recorded() {
        for lines in [1, 3] {
            let (_directory, path, text) = log(lines);
            let start = start_of_last_line(&text);
            for at in start..=text.len() {
                let (_, torn) = cut(&path, &text, at);
                let is_whole = at == start || at >= text.len() - 1;
                let expected = if is_whole { [0, 0] } else { [1, 1] };
                assert_eq!(torn, expected, "{lines} lines, cut at {at}");
            }
        }
    }

    #[test]
    fn what_records_a_cut_may_be_cut_off_too() {
        let (_directory, path, text) = log(2);
        let start = start_of_last_line(&text);
        for first in [start + 1, start + 40, text.len() - 2] {
            let (text, _) = cut(&path, &text, first);
            for second in first..text.len() {
                let (_, torn) = cut(&path, &text, second);
                // One, or the line after the record is another.
                let torn = torn[1];
                assert!(torn == 1 || torn == 2, "cut at {first}, then at {second}");
            }
            let second = first + 30;
            let (text, _) = cut(&path, &text, second);
            for third in second..text.len() {
                cut(&path, &text, third);
            }
        }
    }

    #[test]
    fn what_was_changed_at_the_end_is_not_called_cut_off() {
        let (_directory, path, text) = log(2);
        let edited = String::from_utf8(text.clone()).unwrap();
        let edited = edited.replace("\"seq\":2,", "\"seq\":3,").into_bytes();
        let inserted = [&text[..], b"{}\n"].concat();
        for changed in [edited, inserted] {
            fs::write(&path, &changed).unwrap();
            assert!(!verify(&path).unwrap().is_whole());
            append(&path).unwrap();
            assert!(!verify(&path).unwrap().is_whole());
        }
    }

    #[test]
    fn a_file_that_is_something_else_is_left_as_it_is() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for text in [
            "tskey-client-k0-0",
            "{\n  \"v\": 1\n}\n",
            "{\"v\":1}\n",
            "\n",
            " ",
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(append(&path).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o644, "{text}");
            assert!(!path.with_extension("key").exists(), "{text}");
        }
    }

    #[test]
    fn a_log_has_another_name_than_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        assert!(append(&path).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn a_key_of_another_size_is_left_as_it_is() {
        let (_directory, path, _) = log(1);
        let key = path.with_extension("key");
        for bytes in [1, 31, 33, 4096] {
            fs::write(&key, vec![7; bytes]).unwrap();
            let error = append(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("it has {bytes} bytes")), "{error}");
            assert_eq!(fs::read(&key).unwrap(), vec![7; bytes]);
        }
        // A process that was killed meanwhile leaves it empty.
        fs::write(&key, "").unwrap();
        append(&path).unwrap();
        assert_eq!(fs::read(&key).unwrap().len(), 32);
    }

    #[test]
    fn is_kept_where_there_is_no_home_variable() {
        let path = |environment: &Environment| {
            AuditFile::default_path(environment).map(|path| path.display().to_string())
        };
        let service = Environment::from([("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")]);
        let of_service = Some("/var/lib/one/tailmint/audit.jsonl".to_owned());
        assert_eq!(path(&service), of_service);
        assert_eq!(path(&service.with_home("/srv".into())), of_service);
        let user = Environment::default().with_home("/srv".into());
        let of_user = Some("/srv/.local/state/tailmint/audit.jsonl".to_owned());
        assert_eq!(path(&user), of_user);
        let both = Environment::from([("STATE_DIRECTORY", "/var/lib/one"), ("HOME", "/srv")]);
        assert_eq!(path(&both), of_user);
        assert_eq!(path(&Environment::default()), None);
    }

    fn entry_of(context: &Context) -> Entry<'_> {
        context.entry("run", AuditEvent::Response, "mint")
    }

    #[test]
    fn is_made_with_its_directories_for_the_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/audit.jsonl");
        let file = AuditFile::open(path.clone()).unwrap();
        assert_eq!(file.path(), path);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        // The same secret has the same fingerprint in entries of one log.
        let fingerprint = |text: &str| file.fingerprint(&Secret::new(text.to_owned()));
        assert_eq!(fingerprint("one").unwrap().len(), 16);
        assert_eq!(fingerprint("one"), fingerprint("one"));
        assert_ne!(fingerprint("one"), fingerprint("two"));
    }

    #[test]
    fn two_writers_continue_one_chain() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let context = context();
        let writers = [(), ()].map(|()| AuditFile::open(path.clone()).unwrap());
        for _ in 0..3 {
            for writer in &writers {
                writer.append(&entry_of(&context)).unwrap();
            }
        }
        let found = verify(&path).unwrap();
        assert_eq!((found.entries, found.breaks), (6, vec![]));
    }

    /// The chain continues what this process wrote, not what the file says now.
    #[test]
    fn a_line_that_is_changed_behind_its_writer_breaks_the_chain() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let context = context();
        let writer = AuditFile::open(path.clone()).unwrap();
        let last = |path: &Path| {
            let text = fs::read_to_string(path).unwrap();
            let line = text.lines().last().unwrap().to_owned();
            line::read(line.as_bytes()).unwrap()
        };
        for _ in 0..2 {
            writer.append(&entry_of(&context)).unwrap();
        }
        let written = last(&path).link;
        // Another line of the same length, with the right hash.
        let before = Link {
            sequence: 1,
            hash: "f".repeat(64),
        };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (forged, _) = line::write(&before, now, &entry_of(&context)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        let changed = format!("{first}\n{forged}\n");
        assert_eq!(changed.len(), text.len());
        fs::write(&path, changed).unwrap();
        writer.append(&entry_of(&context)).unwrap();
        assert_eq!(last(&path).previous, written.hash);
        assert!(!verify(&path).unwrap().is_whole());
    }

    #[test]
    fn the_longest_line_is_written_and_a_longer_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let context = context();
        let writer = AuditFile::open(path.clone()).unwrap();
        let size = || path.metadata().unwrap().len();
        writer.append(&entry_of(&context)).unwrap();
        let rest = line::MAX_LINE_BYTES - usize::try_from(size()).unwrap() + 1;
        let with_path = |bytes: usize| {
            let mut entry = entry_of(&context);
            entry.path = "p".repeat(bytes);
            writer.append(&entry)
        };
        assert!(with_path(rest + 1).is_err());
        with_path(rest).unwrap();
        let found = verify(&path).unwrap();
        assert_eq!((found.entries, found.breaks), (2, vec![]));
    }

    #[test]
    fn room_is_kept_behind_a_request_that_is_sent_for_a_change() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let context = context();
        let writer = AuditFile::open(path.clone()).unwrap();
        let mut entry = context.entry("run", AuditEvent::Decision, "mint");
        entry.decision = crate::Verdict::Allow;
        for _ in 0..3 {
            writer.append(&entry).unwrap();
            let metadata = path.metadata().unwrap();
            let room = metadata.blocks() * 512;
            // 64 KiB and a step of as many, and what file systems round up to.
            let most = metadata.len() + 2 * 65_536 + 4 * 4096;
            assert!(room <= most, "{room}");
        }
    }
}
