use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tailmint_api::OutsideText;

use crate::{
    AuditError, Head, PublicKey, Record, Tree,
    archive::{self, Archived},
    beginning::Beginning,
    key_change::{self, Change},
    line::{self, Link},
    line_reader::{Digest, LineReader, RawLine},
    own_file,
};

/// A log of a gigabyte is read in sixteen thousand pieces.
const BUFFER_BYTES: usize = 64 * 1024;

/// So many are told one by one. A file that is something else may have a million.
const MOST_BREAKS: usize = 100;

/// One key a day for three years. Each is kept.
const MOST_KEYS: usize = 1000;

/// The result of verifying an audit log.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// How many entries have a good hash.
    pub entries: u64,
    /// Where the chain breaks: the first places.
    pub breaks: Vec<Break>,
    /// How many places there are beside those.
    pub more_breaks: usize,
    /// How many times lines were cut off by a crash or a full disk, and recorded.
    pub torn: usize,
    /// Whether the last line is cut off; the next entry records it.
    pub torn_tail: bool,
    /// The last line.
    pub head: Option<Head>,
    /// Whether it is something else than a log: it has no line of one, and does not begin
    /// like one.
    pub is_something_else: bool,
    /// How many files were read: the log, and those that it was rotated to.
    pub files: usize,
    /// Where the first file that is there begins, if there were others before it.
    pub continues: Option<Continued>,
    /// The number of the oldest file that the last rotation kept, where there was one.
    pub oldest: Option<u64>,
    /// The tree over all lines from the first one on. It is that of the log only where the
    /// chain is whole.
    pub tree: Tree,
    /// How many lines from the first one on are not there: the tree over them is as the
    /// first line that is there says.
    pub carried: u64,
    /// The keys that checkpoints were signed with, the newest last: those that the files that
    /// are there tell of.
    pub keys: Vec<PublicKey>,
    /// Whether the key before signed it, for each of these keys.
    are_signed: Vec<bool>,
    /// How many of these keys nothing speaks for: the key before did not sign them.
    pub unsigned_keys: usize,
}

/// A place where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// The name of the file, where it was read from one.
    pub file: Option<String>,
    /// The line of that file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Break {
    /// The file, of the log with this path.
    pub fn path_beside(&self, log: &Path) -> PathBuf {
        match &self.file {
            Some(file) => log.with_file_name(file),
            None => log.to_owned(),
        }
    }
}

/// Where the first file of a log that is there begins, if those before it are not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Continued {
    /// The number of the file before it.
    pub number: u64,
    /// The number of its first line.
    pub line: u64,
}

impl Verification {
    /// This key, and those that it speaks for: the log names each after the one before it,
    /// which signed it. A key that is lost speaks for none.
    pub fn keys_from(&self, key: &PublicKey) -> Vec<PublicKey> {
        let mut all = vec![key.clone()];
        if let Some(at) = self.keys.iter().rposition(|it| it == key) {
            let after = self.keys.iter().zip(&self.are_signed).skip(at + 1);
            let signed = after.take_while(|(_, is_signed)| **is_signed);
            all.extend(signed.map(|(key, _)| key.clone()));
        }
        all
    }

    /// Whether the last rotation that the log tells of was to keep no file before the first
    /// that is there; `None` where none is missing. What the log says so is no proof: who
    /// writes a log anew writes that too.
    pub fn is_removal_recorded(&self) -> Option<bool> {
        let continued = self.continues.as_ref()?;
        Some(self.oldest.is_some_and(|oldest| oldest > continued.number))
    }

    fn add_key(&mut self, key: PublicKey, is_signed: bool) {
        self.keys.push(key);
        self.are_signed.push(is_signed);
    }

    /// Whether nothing was edited, inserted, moved or removed.
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// Reads an audit log, with the files that it was rotated to, and follows its chain.
///
/// Lines that were removed at the end leave no trace in the file: compare its
/// head with one that was kept elsewhere.
///
/// # Errors
/// A file cannot be read, or is not a regular file.
pub fn verify(path: &Path) -> Result<Verification, AuditError> {
    follow(path, |_| ControlFlow::Continue(()))
}

/// The same, and hands out each entry with a good hash, in their order, until it is told to
/// stop. The files are read line by line: no more than one line is held in memory.
///
/// # Errors
/// A file cannot be read, or is not a regular file.
pub fn follow(
    path: &Path,
    mut each: impl FnMut(&Record) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    // One copy of the code for all who follow a log: each would be 10 KB.
    let each: &mut dyn FnMut(&Record) -> ControlFlow<()> = &mut each;
    follow_to(path, None, each).map(|(found, _)| found)
}

/// The same, and what the root of the tree was when it was over so many lines. `None` where
/// no size is given, where it never was, or where the files that tell of it were removed.
///
/// # Errors
/// A file cannot be read, or is not a regular file.
pub fn follow_to(
    path: &Path,
    size: Option<u64>,
    each: impl FnMut(&Record) -> ControlFlow<()>,
) -> Result<(Verification, Option<[u8; 32]>), AuditError> {
    // First the newest: if the log is rotated meanwhile, this is one of the others by then.
    let newest = open(path)?;
    let mut follower = Follower::new(size, each);
    for Archived { path, .. } in archived_before(path, &newest)? {
        match open(&path) {
            Ok(file) => follower.file(&path, &file, false)?,
            // A rotation that keeps only some removed it meanwhile.
            Err(_) if !path.exists() => {}
            Err(error) => return Err(error),
        }
    }
    follower.file(path, &newest, true)?;
    Ok(follower.end())
}

/// Follows the chain through one file alone.
pub(crate) fn follow_file(file: &File) -> io::Result<Verification> {
    follow_lines(BufReader::with_capacity(BUFFER_BYTES, file), |_| {
        ControlFlow::Continue(())
    })
}

fn archived_before(path: &Path, newest: &File) -> Result<Vec<Archived>, AuditError> {
    let failed = |error: io::Error| AuditError::unreadable(path, error.to_string());
    let mut files = match archive::list(path) {
        Ok(files) => files,
        // Then what the log says of them is told.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
        Err(error) => return Err(failed(error)),
    };
    if let Some(own) = archive::number_of(&files, newest).map_err(failed)? {
        files.retain(|it| it.number < own);
    }
    Ok(files)
}

fn open(path: &Path) -> Result<File, AuditError> {
    let opened = own_file::open_to_read(path);
    opened.map_err(|error| AuditError::unreadable(path, error.to_string()))
}

/// The same with the lines of a log that is kept elsewhere.
///
/// # Errors
/// The lines cannot be read.
pub fn follow_lines(
    reader: impl BufRead,
    each: impl FnMut(&Record) -> ControlFlow<()>,
) -> io::Result<Verification> {
    let mut follower = Follower::new(None, each);
    follower.lines(reader, true)?;
    Ok(follower.end().0)
}

/// Follows the chain through one file after the other.
struct Follower<F> {
    chain: Chain,
    each: F,
    is_stopped: bool,
}

impl<F: FnMut(&Record) -> ControlFlow<()>> Follower<F> {
    fn new(size: Option<u64>, each: F) -> Self {
        Self {
            chain: Chain {
                size,
                ..Chain::default()
            },
            each,
            is_stopped: false,
        }
    }

    fn file(&mut self, path: &Path, file: &File, is_last: bool) -> Result<(), AuditError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.chain.file = Some(OutsideText::new(&name).into_string());
        self.chain.found.files += 1;
        let read = self.lines(BufReader::with_capacity(BUFFER_BYTES, file), is_last);
        read.map_err(|error| AuditError::unreadable(path, error.to_string()))
    }

    fn lines(&mut self, reader: impl BufRead, is_last: bool) -> io::Result<()> {
        let mut lines = LineReader::new(reader);
        let mut number = 0;
        while !self.is_stopped
            && let Some(line) = lines.next()?
        {
            number += 1;
            let is_first = number == 1 && self.chain.found.files < 2;
            if is_first {
                let text = line.text.unwrap_or_default();
                self.chain.found.is_something_else = text.is_empty() || !line::begins(text);
            }
            let Some(entry) = self.chain.follow(number, &line) else {
                continue;
            };
            self.chain.found.entries += 1;
            self.chain.found.is_something_else = false;
            self.is_stopped = (self.each)(&entry).is_break();
        }
        self.chain.end_of_file(is_last);
        Ok(())
    }

    fn end(self) -> (Verification, Option<[u8; 32]>) {
        let Chain {
            link, mut found, ..
        } = self.chain;
        let Link { sequence, hash } = link;
        found.head = (sequence > 0).then_some(Head {
            number: Some(sequence),
            hash,
        });
        (found, self.chain.root)
    }
}

/// The chain up to a line.
#[derive(Default)]
struct Chain {
    link: Link,
    found: Verification,
    /// The file that is read.
    file: Option<String>,
    /// The size of the tree that is asked about, and its root.
    size: Option<u64>,
    root: Option<[u8; 32]>,
    /// The last lines, if they are no entries: the next one may say that they are torn.
    unread: Option<Unread>,
}

/// Lines that are no entries, one after the other.
struct Unread {
    lines: usize,
    /// The first of them, and what is wrong with them.
    first: Vec<(usize, &'static str)>,
    all: Digest,
    last: Digest,
    /// Whether each of them can be what is left of the line that is due.
    are_parts: bool,
    is_finished: bool,
}

impl Chain {
    fn follow(&mut self, number: usize, line: &RawLine<'_>) -> Option<Record> {
        let long = "it is longer than any line of an audit log";
        let read = line.text.ok_or(long).and_then(line::read);
        let read = match read {
            Ok(read) => read,
            Err(what) => {
                let text = line.text.unwrap_or_default();
                let is_part = line::is_part(text, &self.link);
                self.unread(number, line, what, is_part);
                return None;
            }
        };
        if let Some(unread) = self.unread.take() {
            unread.settle(&read.members, self);
        }
        let entry = Record(read.members);
        let beginning = Beginning::read(&entry);
        if self.found.entries == 0
            && let Some(beginning) = &beginning
        {
            self.begin_at(&read.link, &read.previous, beginning);
        }
        let expected = self.link.sequence.saturating_add(1);
        if read.link.sequence != expected {
            let sequence = read.link.sequence;
            let what = match &beginning {
                // A file in the middle is missing, or its end.
                Some(_) => format!(
                    "it continues a file whose last line has number {}, where {} is due",
                    sequence.saturating_sub(1),
                    self.link.sequence
                ),
                None => format!("it has number {sequence} where {expected} is due"),
            };
            self.broken(number, what);
        } else if read.previous != self.link.hash {
            self.broken(number, "it does not follow the line before it");
        }
        if let Some(beginning) = beginning {
            self.found.oldest = Some(beginning.oldest);
            let before = read.link.sequence.saturating_sub(1);
            if beginning.last != before {
                let last = beginning.last;
                self.broken(
                    number,
                    format!("it says that {last} lines are before it, and {before} are"),
                );
            }
            if beginning.tree.as_ref() != Some(&self.found.tree) || self.found.tree.size() != before
            {
                self.broken(number, "what it says of the lines before it is another");
                self.found.tree = beginning.tree.unwrap_or_default();
            }
        }
        if entry.text("event") == key_change::EVENT {
            self.key(number, &entry);
        }
        self.mark();
        self.found.tree.push(line.text.unwrap_or_default());
        self.mark();
        self.link = read.link;
        Some(entry)
    }

    /// The files before are not there: the chain is taken up where this one says.
    fn begin_at(&mut self, link: &Link, previous: &str, beginning: &Beginning) {
        self.link = Link {
            sequence: link.sequence.saturating_sub(1),
            hash: previous.to_owned(),
        };
        self.found.continues = Some(Continued {
            number: beginning.number,
            line: link.sequence,
        });
        self.found.tree = beginning.tree.clone().unwrap_or_default();
        self.found.carried = self.found.tree.size();
        if let Some(key) = &beginning.key {
            self.found.add_key(key.clone(), false);
        }
    }

    /// Keeps the root of the tree, if this is the size that is asked about.
    fn mark(&mut self) {
        if self.size == Some(self.found.tree.size()) {
            self.root = Some(self.found.tree.root());
        }
    }

    fn key(&mut self, number: usize, entry: &Record) {
        let change = Change::read(entry, self.found.keys.last());
        if self.found.keys.len() >= MOST_KEYS {
            self.broken(number, "it names more keys than any log has");
            return;
        }
        match change {
            Change::Signed(key) if self.found.keys.last() == Some(&key) => {}
            Change::Signed(key) => {
                let is_signed = !self.found.keys.is_empty();
                self.found.add_key(key, is_signed);
            }
            Change::Unsigned(key) => {
                self.found.add_key(key, false);
                self.found.unsigned_keys += 1;
            }
            Change::Wrong => self.broken(number, "the key before did not sign the one it names"),
        }
    }

    fn broken(&mut self, line: usize, what: impl Into<String>) {
        if self.found.breaks.len() < MOST_BREAKS {
            self.found.breaks.push(Break {
                file: self.file.clone(),
                line,
                what: what.into(),
            });
        } else {
            self.found.more_breaks += 1;
        }
    }

    fn unread(&mut self, number: usize, line: &RawLine<'_>, what: &'static str, is_part: bool) {
        let digest = line.digest();
        let unread = match &mut self.unread {
            Some(unread) => {
                unread.all.add(b"\n");
                unread.last = digest.clone();
                unread
            }
            none => none.insert(Unread {
                lines: 0,
                first: Vec::new(),
                all: digest.clone(),
                last: digest,
                are_parts: true,
                is_finished: true,
            }),
        };
        if unread.lines > 0 {
            // A line that is too long is not part of what was cut off.
            unread.all.add(line.text.unwrap_or_default());
        }
        unread.lines += 1;
        if unread.first.len() <= MOST_BREAKS {
            unread.first.push((number, what));
        }
        unread.are_parts &= is_part || !line.is_finished;
        unread.is_finished = line.is_finished;
    }

    /// Before a file is rotated, what was cut off is recorded in it: only the last file may
    /// end with such a line.
    fn end_of_file(&mut self, is_last: bool) {
        let Some(unread) = self.unread.take() else {
            return;
        };
        let may_be_cut_off = is_last && (unread.are_parts || !unread.is_finished);
        self.found.torn_tail = may_be_cut_off;
        if !may_be_cut_off {
            unread.broken(unread.lines, self);
        } else if !unread.are_parts {
            unread.broken(unread.lines - 1, self);
        }
    }
}

impl Unread {
    /// The next entry may say that all of them were cut off, or that the last was.
    fn settle(&self, next: &Map<String, Value>, chain: &mut Chain) {
        let says = |digest: &Digest| {
            next.get("event").and_then(Value::as_str) == Some("torn")
                && next.get("torn_bytes").and_then(Value::as_u64) == Some(digest.bytes())
                && next.get("torn_sha256").and_then(Value::as_str) == Some(&digest.sha256())
        };
        if says(&self.all) {
            chain.found.torn += 1;
        } else if says(&self.last) {
            chain.found.torn += 1;
            self.broken(self.lines - 1, chain);
        } else {
            self.broken(self.lines, chain);
        }
    }

    /// The first so many of them were not cut off.
    fn broken(&self, lines: usize, chain: &mut Chain) {
        for &(number, what) in self.first.iter().take(lines) {
            chain.broken(number, what);
        }
        chain.found.more_breaks += lines.saturating_sub(self.first.len());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn verified(reader: impl Read) -> Verification {
        let reader = BufReader::new(reader);
        follow_lines(reader, |_| ControlFlow::Continue(())).unwrap()
    }

    #[test]
    fn a_line_without_an_end_is_not_held() {
        let mut lines = LineReader::new(BufReader::new(io::repeat(0).take(64 << 20)));
        let line = lines.next().unwrap().unwrap();
        assert_eq!(line.digest().bytes(), 64 << 20);
        assert!(line.text.is_none() && !line.is_finished);
        assert!(lines.capacity() <= 2 * line::MAX_LINE_BYTES);
    }

    #[test]
    fn a_million_lines_of_something_else_are_told_of_in_short() {
        let found = verified(io::repeat(b'\n').take(1_000_000));
        assert_eq!(found.breaks.len(), MOST_BREAKS);
        assert_eq!(found.more_breaks, 1_000_000 - MOST_BREAKS);
        assert_eq!((found.entries, found.head), (0, None));
    }

    #[test]
    fn the_last_numbers_are_numbers_like_any_other() {
        let before = Link {
            sequence: u64::MAX - 1,
            ..Link::default()
        };
        let now = jiff::Timestamp::MAX;
        let (first, link) = line::write(&before, now, &()).unwrap();
        let (second, _) = line::write(&link, now, &()).unwrap();
        let found = verified(format!("{first}\n{second}\n{{").as_bytes());
        assert_eq!(found.entries, 2);
        assert!(!found.is_whole());
    }

    /// The lines of a log, each with its end, and a line that could be the next.
    fn log(count: usize) -> (Vec<String>, String) {
        let mut link = Link::default();
        let mut lines = Vec::new();
        loop {
            let said = serde_json::json!({ "event": "decision" });
            let (line, next) = line::write(&link, jiff::Timestamp::UNIX_EPOCH, &said).unwrap();
            if lines.len() == count {
                return (lines, line);
            }
            lines.push(format!("{line}\n"));
            link = next;
        }
    }

    fn breaks(text: &str) -> Vec<(usize, String)> {
        let found = verified(text.as_bytes());
        assert_eq!(found.is_whole(), found.breaks.is_empty());
        let breaks = found.breaks.into_iter();
        breaks.map(|it| (it.line, it.what)).collect()
    }

    #[test]
    fn a_chain_is_followed_to_its_head() {
        let (lines, _) = log(3);
        let found = verified(lines.concat().as_bytes());
        assert!(found.is_whole() && !found.torn_tail);
        assert_eq!((found.entries, found.torn, found.more_breaks), (3, 0, 0));
        let head = found.head.unwrap();
        assert_eq!(head.number, Some(3));
        assert!(lines[2].contains(&head.hash));
        // Told to stop, it goes no farther.
        let mut seen = Vec::new();
        let text = lines.concat();
        let found = follow_lines(text.as_bytes(), |entry| {
            seen.push(entry.number("seq"));
            match seen.len() {
                2 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!(found.unwrap().entries, 2);
        assert_eq!(seen, [1, 2]);
        let empty = verified(&b""[..]);
        assert!(empty.is_whole() && !empty.torn_tail);
        assert_eq!((empty.entries, empty.head), (0, None));
    }

    #[test]
    fn what_is_wrong_is_said_of_the_line_that_it_is_wrong_with() {
        let (lines, _) = log(3);
        let other = "it is not a line of an audit log".to_owned();
        // One is missing.
        let text = format!("{}{}", lines[0], lines[2]);
        let number = "it has number 3 where 2 is due".to_owned();
        assert_eq!(breaks(&text), [(2, number)]);
        // One is from another log.
        let before = Link {
            sequence: 1,
            hash: "0".repeat(64),
        };
        let (foreign, _) = line::write(&before, jiff::Timestamp::MAX, &()).unwrap();
        let text = format!("{}{foreign}\n", lines[0]);
        let follows = "it does not follow the line before it".to_owned();
        assert_eq!(breaks(&text), [(2, follows)]);
        // One is something else, in the middle and at the end, with its line end.
        let text = format!("{}x\n{}{}", lines[0], lines[1], lines[2]);
        assert_eq!(breaks(&text), [(2, other.clone())]);
        let text = format!("{}x\ny\n", lines[0]);
        assert_eq!(breaks(&text), [(2, other.clone()), (3, other.clone())]);
        // The last of them may have been cut off; the one before was not.
        let text = format!("{}x\n{{", lines[0]);
        assert_eq!(breaks(&text), [(2, other)]);
        assert!(verified(text.as_bytes()).torn_tail);
        let changed = lines.concat().replacen("decision", "response", 1);
        let hash = "it was changed: its hash is another".to_owned();
        let number = "it has number 2 where 1 is due".to_owned();
        assert_eq!(breaks(&changed), [(1, hash), (2, number)]);
    }

    #[test]
    fn a_tail_that_is_cut_off_is_no_break() {
        let (lines, next) = log(2);
        let log = lines.concat();
        for part in ["{".to_owned(), next[..next.len() - 1].to_owned()] {
            for end in ["", "\n"] {
                let text = format!("{log}{part}{end}");
                let found = verified(text.as_bytes());
                assert!(found.torn_tail && found.is_whole(), "{text}");
                assert_eq!((found.entries, found.torn), (2, 0));
            }
        }
        let found = verified(format!("{log}x\n").as_bytes());
        assert!(!found.torn_tail && !found.is_whole());
    }

    #[test]
    fn the_next_line_records_what_was_cut_off_before_it() {
        use tailmint_core::digest::sha256;
        let (lines, _) = log(1);
        let link = line::read(lines[0].trim_end().as_bytes()).unwrap().link;
        let record = |event: &str, bytes: usize, sha256: String| {
            let said = serde_json::json!({
                "event": event, "torn_bytes": bytes, "torn_sha256": sha256,
            });
            let now = jiff::Timestamp::UNIX_EPOCH;
            line::write(&link, now, &said).unwrap().0
        };
        let of = |text: &str| record("torn", text.len(), sha256(text.as_bytes()));
        let after =
            |cut: &str, record: &str| verified(format!("{}{cut}\n{record}\n", lines[0]).as_bytes());
        // All of it, or the last line of it.
        let found = after("one\ntwo", &of("one\ntwo"));
        assert_eq!((found.torn, found.breaks), (1, vec![]));
        let found = after("one\ntwo", &of("two"));
        let lines_broken: Vec<_> = found.breaks.iter().map(|it| it.line).collect();
        assert_eq!((found.torn, lines_broken), (1, vec![2]));
        let found = after("one\ntwo\nthree", &of("three"));
        let lines_broken: Vec<_> = found.breaks.iter().map(|it| it.line).collect();
        assert_eq!((found.torn, lines_broken), (1, vec![2, 3]));
        // What says something else records nothing.
        for record in [
            of("one"),
            of("tw"),
            record("decision", 3, sha256(b"two")),
            record("torn", 4, sha256(b"two")),
            record("torn", 3, sha256(b"twe")),
        ] {
            let found = after("one\ntwo", &record);
            assert_eq!((found.torn, found.breaks.len()), (0, 2), "{record}");
        }
        // It is settled once.
        let found = verified(format!("{}{{\n{}\n", lines[0], of("{")).as_bytes());
        assert_eq!((found.entries, found.torn), (2, 1));
        assert!(!found.torn_tail);
    }

    #[test]
    fn what_a_first_line_carries_is_of_as_many_lines_as_it_says() {
        let hash = "a".repeat(64);
        let carrying = |last: u64, size: u64| {
            let peaks = vec![&hash; size.count_ones() as usize];
            let said = serde_json::json!({
                "event": "rotated", "file": "audit.jsonl.000001", "last": last, "oldest": 1,
                "tree": { "size": size, "peaks": peaks },
            });
            let before = Link {
                sequence: 6,
                hash: hash.clone(),
            };
            let (line, _) = line::write(&before, jiff::Timestamp::UNIX_EPOCH, &said).unwrap();
            verified(format!("{line}\n").as_bytes())
        };
        let found = carrying(6, 6);
        assert_eq!((found.breaks.len(), found.carried), (0, 6));
        for (last, size) in [(6, 7), (6, 5), (5, 6), (7, 6), (0, 0), (u64::MAX, u64::MAX)] {
            let found = carrying(last, size);
            assert!(!found.is_whole(), "{last}, {size}");
        }
    }

    #[test]
    fn a_log_with_more_keys_than_any_has_is_broken() {
        let mut text = String::new();
        let mut before = Link::default();
        for seed in 0..=MOST_KEYS + 1 {
            let mut bytes = zeroize::Zeroizing::new([0; 32]);
            bytes[..8].copy_from_slice(&(seed as u64).to_le_bytes());
            let signer = crate::signer::Signer::new("log", bytes).unwrap();
            let said = serde_json::json!({
                "event": key_change::EVENT, "key": signer.public().to_string(),
            });
            let (line, link) = line::write(&before, jiff::Timestamp::UNIX_EPOCH, &said).unwrap();
            before = link;
            text += &format!("{line}\n");
        }
        let found = verified(text.as_bytes());
        assert_eq!((found.keys.len(), found.breaks.len()), (MOST_KEYS, 2));
    }

    #[test]
    fn as_many_breaks_are_told_one_by_one_and_no_more() {
        let (lines, _) = log(1);
        for count in [
            MOST_BREAKS - 1,
            MOST_BREAKS,
            MOST_BREAKS + 1,
            MOST_BREAKS + 7,
        ] {
            let found = verified(format!("{}{}", lines[0], "x\n".repeat(count)).as_bytes());
            assert_eq!(found.breaks.len(), count.min(MOST_BREAKS));
            assert_eq!(found.more_breaks, count.saturating_sub(MOST_BREAKS));
            // Some that stand alone, one by one.
            let alone = format!("{}x\n", lines[0]).repeat(count);
            let found = verified(alone.as_bytes());
            // The line itself is out of its order each time but the first.
            let all = 2 * count - 1;
            assert_eq!(found.breaks.len(), all.min(MOST_BREAKS));
            assert_eq!(found.more_breaks, all.saturating_sub(MOST_BREAKS));
        }
    }

    #[test]
    fn what_is_not_a_file_is_named() {
        for (path, what) in [
            (Path::new("/"), "it is a directory"),
            (Path::new("/dev/zero"), "it is a device"),
        ] {
            let error = verify(path).unwrap_err().to_string();
            assert!(error.ends_with(what), "{error}");
        }
    }

    #[test]
    fn what_is_no_log_is_told_from_one_that_was_changed() {
        let (lines, next) = log(2);
        let is_something_else = |text: &str| verified(text.as_bytes()).is_something_else;
        for other in ["#!/bin/sh\n", "\n", "\n\n{", "{}\n", "x"] {
            assert!(is_something_else(other), "{other:?}");
        }
        let changed = lines[0].replace("decision", "response");
        for log in ["", "{", "{\"v\":1,\"se", &changed, &lines.concat(), &next] {
            assert!(!is_something_else(log), "{log:?}");
        }
        // A line of a log further down.
        assert!(!is_something_else(&format!("x\n{}", lines[0])));
    }
}
