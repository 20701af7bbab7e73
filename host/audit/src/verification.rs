use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader},
    ops::ControlFlow,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use serde_json::{Map, Value};

use crate::{
    AuditError, Head, Record,
    line::{self, Link},
    line_reader::{Digest, LineReader, RawLine},
    own_file::what_else,
};

/// So many are told one by one. A file that is something else may have a million.
const MOST_BREAKS: usize = 100;

/// The result of verifying an audit file.
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
}

/// A place where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Verification {
    /// Whether nothing was edited, inserted, moved or removed.
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }

    fn broken(&mut self, line: usize, what: impl Into<String>) {
        if self.breaks.len() < MOST_BREAKS {
            let what = what.into();
            self.breaks.push(Break { line, what });
        } else {
            self.more_breaks += 1;
        }
    }
}

/// Reads an audit file and follows its chain.
///
/// Lines that were removed at the end leave no trace in the file: compare its
/// head with one that was kept elsewhere.
///
/// # Errors
/// The file cannot be read, or is not a regular file.
pub fn verify(path: &Path) -> Result<Verification, AuditError> {
    follow(path, |_| ControlFlow::Continue(()))
}

/// The same, and hands out each entry with a good hash, in their order, until it is told to
/// stop. The file is read line by line: no more than one line is held in memory.
///
/// # Errors
/// The file cannot be read, or is not a regular file.
pub fn follow(
    path: &Path,
    mut each: impl FnMut(&Record) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let failed = |error: io::Error| AuditError::unreadable(path, error.to_string());
    // A device may do something when it is opened.
    regular(path, path.metadata().map_err(failed)?.file_type())?;
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    regular(path, file.metadata().map_err(failed)?.file_type())?;
    // One copy of the code for all who follow a file: each would be 10 KB.
    let each: &mut dyn FnMut(&Record) -> ControlFlow<()> = &mut each;
    follow_lines(BufReader::new(file), each).map_err(failed)
}

fn regular(path: &Path, kind: std::fs::FileType) -> Result<(), AuditError> {
    what_else(kind).map_or(Ok(()), |what| {
        Err(AuditError::unreadable(path, format!("it is {what}")))
    })
}

/// The same with the lines of a log that is kept elsewhere.
///
/// # Errors
/// The lines cannot be read.
pub fn follow_lines(
    reader: impl BufRead,
    mut each: impl FnMut(&Record) -> ControlFlow<()>,
) -> io::Result<Verification> {
    let mut lines = LineReader::new(reader);
    let mut found = Verification::default();
    let mut chain = Chain::default();
    let mut number = 0;
    while let Some(line) = lines.next()? {
        number += 1;
        if number == 1 {
            let text = line.text.unwrap_or_default();
            found.is_something_else = text.is_empty() || !line::begins(text);
        }
        let Some(entry) = chain.follow(number, &line, &mut found) else {
            continue;
        };
        found.entries += 1;
        found.is_something_else = false;
        if each(&entry).is_break() {
            break;
        }
    }
    chain.end(&mut found);
    let Link { sequence, hash } = chain.link;
    found.head = (sequence > 0).then_some(Head {
        number: Some(sequence),
        hash,
    });
    Ok(found)
}

/// The chain up to a line.
#[derive(Default)]
struct Chain {
    link: Link,
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
    fn follow(
        &mut self,
        number: usize,
        line: &RawLine<'_>,
        found: &mut Verification,
    ) -> Option<Record> {
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
            unread.settle(&read.members, found);
        }
        let expected = self.link.sequence.saturating_add(1);
        if read.link.sequence != expected {
            let sequence = read.link.sequence;
            let what = format!("it has number {sequence} where {expected} is due");
            found.broken(number, what);
        } else if read.previous != self.link.hash {
            found.broken(number, "it does not follow the line before it");
        }
        self.link = read.link;
        Some(Record(read.members))
    }

    fn unread(&mut self, number: usize, line: &RawLine<'_>, what: &'static str, is_part: bool) {
        let digest = &line.digest;
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
                last: digest.clone(),
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

    fn end(&mut self, found: &mut Verification) {
        let Some(unread) = self.unread.take() else {
            return;
        };
        found.torn_tail = unread.are_parts || !unread.is_finished;
        if !unread.are_parts {
            unread.broken(unread.lines - usize::from(!unread.is_finished), found);
        }
    }
}

impl Unread {
    /// The next entry may say that all of them were cut off, or that the last was.
    fn settle(&self, next: &Map<String, Value>, found: &mut Verification) {
        let says = |digest: &Digest| {
            next.get("event").and_then(Value::as_str) == Some("torn")
                && next.get("torn_bytes").and_then(Value::as_u64) == Some(digest.bytes())
                && next.get("torn_sha256").and_then(Value::as_str) == Some(&digest.sha256())
        };
        if says(&self.all) {
            found.torn += 1;
        } else if says(&self.last) {
            found.torn += 1;
            self.broken(self.lines - 1, found);
        } else {
            self.broken(self.lines, found);
        }
    }

    /// The first so many of them were not cut off.
    fn broken(&self, lines: usize, found: &mut Verification) {
        for &(number, what) in self.first.iter().take(lines) {
            found.broken(number, what);
        }
        found.more_breaks += lines.saturating_sub(self.first.len());
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
        assert_eq!(line.digest.bytes(), 64 << 20);
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
