use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tailmint_core::{Environment, Secret, fail_point};

use crate::{
    Audit, AuditError, Entry,
    fingerprint::Fingerprints,
    line::{self, Link},
    lock::lock,
    own_file, room,
    tail::Tail,
};

/// A file of JSON lines, each of which has the hash of the one before.
///
/// Many processes may append to it at once. It is readable by its owner only.
pub struct AuditFile {
    path: PathBuf,
    state: Mutex<State>,
    fingerprints: Fingerprints,
}

struct State {
    file: File,
    /// Where the chain ends, and the size of the file then: as long as the size
    /// is the same, nobody has appended since.
    end: Option<(u64, Link)>,
}

/// As much of the file as shows whether it is a log.
const BEGINNING_BYTES: u64 = 256;

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

    /// Opens the file, or makes it, with its directories. A file that is not a log is left
    /// as it is.
    ///
    /// # Errors
    /// It cannot be written to, is not a regular file, is someone else's, or holds
    /// something else.
    pub fn open(path: PathBuf) -> Result<Self, AuditError> {
        let failed = |error: io::Error| AuditError::unwritable(&path, &error);
        if path.extension().is_some_and(|it| it == "key") {
            return Err(AuditError::unfit(
                &path,
                "its name is that of the key beside a log",
                "name another file, such as audit.jsonl",
            ));
        }
        if let Some(directory) = path.parent() {
            make_directory(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let missing = || failed(io::ErrorKind::NotFound.into());
        let file = own_file::open(&options, &path)?.ok_or_else(missing)?;
        let mut beginning = Vec::new();
        (&file)
            .take(BEGINNING_BYTES)
            .read_to_end(&mut beginning)
            .map_err(failed)?;
        if !line::begins(&beginning) {
            return Err(AuditError::unfit(
                &path,
                "it does not begin like an audit log, and was left as it is",
                "name a file that does not exist yet, or move this one away",
            ));
        }
        own_file::close_to_others(&file, &path)?;
        Ok(Self {
            fingerprints: Fingerprints::beside(&path)?,
            state: Mutex::new(State { file, end: None }),
            path,
        })
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

impl Audit for AuditFile {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = state.append(entry);
        appended.map_err(|error| AuditError::unwritable(&self.path, &error))
    }

    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        Some(self.fingerprints.of(secret))
    }
}

impl State {
    fn append(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        lock(&self.file)?;
        let appended = self.append_locked(entry);
        self.file.unlock()?;
        appended
    }

    fn append_locked(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let tail = match self.end.take() {
            Some((end, link)) if end == size => Tail::whole(link),
            _ => Tail::find(&mut self.file, size)?,
        };
        let now = jiff::Timestamp::now();
        let mut link = tail.link;
        let mut text = String::new();
        if tail.is_unfinished {
            text.push('\n');
        }
        if let Some(torn) = &tail.torn {
            let (line, next) = line::write(&link, now, torn)?;
            text.push_str(&line);
            text.push('\n');
            link = next;
        }
        let (line, link) = line::write(&link, now, entry)?;
        if line.len() > line::MAX_LINE_BYTES {
            let bytes = line.len();
            return Err(io::Error::other(format!("the line has {bytes} bytes")));
        }
        text.push_str(&line);
        text.push('\n');
        if entry.has_sequel() {
            room::reserve(&self.file, size + text.len() as u64)?;
        }
        fail_point("audit-before-writing");
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // What was written of it would be a torn line for the next. To cut a file at
            // its end gives back the room behind it.
            if self.file.metadata()?.len() != size {
                self.file.set_len(size)?;
            }
            return Err(error);
        }
        // The others are on disk with the next that is, at the latest. A mint waits
        // for the disk once, not for its token too.
        if entry.is_durable() {
            fail_point("audit-before-syncing");
            self.file.sync_data()?;
            fail_point("audit-synced");
        }
        self.end = Some((size + text.len() as u64, link));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Actor, AuditEvent, Context, verify};

    fn append(path: &Path) -> Result<(), AuditError> {
        let context = Context {
            actor: Actor {
                uid: 1000,
                user: None,
                pid: 1,
            },
            component: String::new(),
            policy: String::new(),
            client: None,
            tailnet: None,
            connect_to: None,
            proxy: None,
            ca_file: None,
            request: None,
        };
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

    fn context() -> Context {
        Context {
            actor: Actor {
                uid: 1000,
                user: None,
                pid: 1,
            },
            component: String::new(),
            policy: String::new(),
            client: None,
            tailnet: None,
            connect_to: None,
            proxy: None,
            ca_file: None,
            request: None,
        }
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
