use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::fs::OFlags;
use serde::Serialize;
use tailmint_core::{Environment, Secret, digest::sha256, fail_point};

use crate::{
    Audit, AuditError, Entry,
    fingerprint::Fingerprints,
    line::{self, Link},
    lock::lock,
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

/// The first look for the last line. Lines have about 700 bytes.
const TAIL_BYTES: u64 = 8 * 1024;

/// A line that was cut off, by a crash or a full disk, as the next one finds it.
#[derive(Serialize)]
struct TornLine {
    event: &'static str,
    torn_bytes: usize,
    torn_sha256: String,
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

    /// Opens the file, or makes it, with its directories.
    ///
    /// # Errors
    /// It cannot be written to, is not a regular file, or is someone else's.
    pub fn open(path: PathBuf) -> Result<Self, AuditError> {
        let failed = |error: io::Error| AuditError::io(&path, &error);
        if let Some(directory) = path.parent() {
            make_directory(directory).map_err(failed)?;
        }
        let flags = OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(AuditError::new(&path, "it is not a regular file"));
        }
        if metadata.mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))
                .map_err(failed)?;
        }
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
        appended.map_err(|error| AuditError::io(&self.path, &error))
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
        let (mut link, torn) = match self.end.take() {
            Some((end, link)) if end == size => (link, None),
            _ => last_link(&mut self.file, size)?,
        };
        let now = jiff::Timestamp::now();
        let mut text = String::new();
        if let Some(torn) = torn {
            let (line, next) = line::write(&link, now, &torn)?;
            text = format!("\n{line}\n");
            link = next;
        }
        let (line, link) = line::write(&link, now, entry)?;
        text.push_str(&line);
        text.push('\n');
        fail_point("audit-before-writing");
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // What was written of it would be a torn line for the next.
            self.file.set_len(size)?;
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

/// The position of the last whole line, and what is behind it, if anything is.
fn last_link(file: &mut File, size: u64) -> io::Result<(Link, Option<TornLine>)> {
    let mut wanted = TAIL_BYTES.min(size);
    loop {
        let mut tail = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(size - wanted))?;
        file.read_exact(&mut tail)?;
        let end = tail.iter().rposition(|&byte| byte == b'\n');
        let (lines, rest) = tail.split_at(end.map_or(0, |end| end + 1));
        let torn = (!rest.is_empty()).then(|| TornLine {
            event: "torn",
            torn_bytes: rest.len(),
            torn_sha256: sha256(rest),
        });
        let whole = wanted == size;
        // Lines that are no lines are passed over: to find them is the verifier's.
        let mut candidates = lines.split(|&byte| byte == b'\n').rev();
        let last = candidates.find_map(|text| line::read(text).ok());
        match last {
            Some(line) => return Ok((line.link, torn)),
            None if whole => return Ok((Link::default(), torn)),
            None => wanted = (wanted * 2).min(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
