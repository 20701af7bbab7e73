//! The end of a log, as the next line finds it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use serde::Serialize;
use tailmint_core::digest::sha256;

use crate::line::{self, Link, MAX_LINE_BYTES};

/// The first look for the last line. Lines have about 700 bytes.
const FIRST_BYTES: u64 = 8 * 1024;

/// The farthest look: a line, and parts of some that were cut off.
const MOST_BYTES: u64 = 4 * MAX_LINE_BYTES as u64;

/// Where the chain ends, and what is behind it.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) link: Link,
    /// Whether a line end is missing.
    pub(crate) is_unfinished: bool,
    pub(crate) torn: Option<CutOff>,
}

/// What was cut off, by a crash or a full disk, as the next line records it: one line, or
/// several, since what records a line may be cut off too.
#[derive(Debug, Serialize)]
pub(crate) struct CutOff {
    event: &'static str,
    torn_bytes: usize,
    torn_sha256: String,
}

impl CutOff {
    fn of(text: &[u8]) -> Self {
        Self {
            event: "torn",
            torn_bytes: text.len(),
            torn_sha256: sha256(text),
        }
    }
}

impl Tail {
    /// Nothing is behind it.
    pub(crate) fn whole(link: Link) -> Self {
        Self {
            link,
            is_unfinished: false,
            torn: None,
        }
    }

    pub(crate) fn find(file: &mut File, size: u64) -> io::Result<Self> {
        let mut wanted = FIRST_BYTES.min(size);
        loop {
            let mut text = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
            file.seek(SeekFrom::Start(size - wanted))?;
            file.read_exact(&mut text)?;
            if let Some(found) = Self::of(&text, wanted == size) {
                return Ok(found);
            }
            if wanted >= MOST_BYTES {
                return Err(io::Error::other(format!(
                    "there is no line of an audit log in its last {MOST_BYTES} bytes"
                )));
            }
            wanted = (wanted * 2).min(size);
        }
    }

    /// `None` where the text is only the end of the file, and has no line of the log.
    fn of(text: &[u8], is_whole: bool) -> Option<Self> {
        let lines_end = text.iter().rposition(|&byte| byte == b'\n');
        let lines_end = lines_end.map_or(0, |end| end + 1);
        let (lines, rest) = text.split_at(lines_end);
        if let Ok(last) = line::read(rest)
            && (is_whole || lines_end > 0)
        {
            return Some(Self {
                link: last.link,
                is_unfinished: true,
                torn: None,
            });
        }
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        let mut behind = Vec::new();
        let mut last = None;
        // Lines that are no lines are passed over: to find them is the verifier's.
        for text in lines.rsplit(|&byte| byte == b'\n') {
            if let Ok(line) = line::read(text) {
                last = Some(line);
                break;
            }
            behind.push(text);
        }
        let link = match last {
            Some(last) => last.link,
            None if is_whole => Link::default(),
            None => return None,
        };
        if lines.is_empty() {
            behind.clear();
        }
        let all_torn = behind.iter().all(|text| line::is_part(text, &link));
        let mut torn = if all_torn { behind } else { Vec::new() };
        torn.reverse();
        if !rest.is_empty() {
            torn.push(rest);
        }
        Some(Self {
            link,
            is_unfinished: !rest.is_empty(),
            torn: (!torn.is_empty()).then(|| CutOff::of(&torn.join(&b'\n'))),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn lines(count: usize) -> (String, Vec<Link>) {
        let mut links = vec![Link::default()];
        let mut log = String::new();
        for _ in 0..count {
            let before = links.last().unwrap();
            let said = json!({ "event": "decision" });
            let (line, next) = line::write(before, jiff::Timestamp::UNIX_EPOCH, &said).unwrap();
            log += &format!("{line}\n");
            links.push(next);
        }
        (log, links)
    }

    fn tail(text: &[u8]) -> io::Result<Tail> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        Tail::find(&mut file, text.len() as u64)
    }

    fn torn(tail: &Tail) -> Option<(usize, &str)> {
        let torn = tail.torn.as_ref()?;
        Some((torn.torn_bytes, &torn.torn_sha256))
    }

    #[test]
    fn the_chain_ends_with_the_last_line_whatever_is_behind_it() {
        let (log, links) = lines(3);
        let found = tail(log.as_bytes()).unwrap();
        assert_eq!(found.link, links[3]);
        assert!(!found.is_unfinished && found.torn.is_none());
        // Its end is missing.
        let found = tail(log.trim_end().as_bytes()).unwrap();
        assert_eq!(found.link, links[3]);
        assert!(found.is_unfinished && found.torn.is_none());
        // It is the only one, and its end is missing.
        let (first, _) = log.split_once('\n').unwrap();
        let found = tail(first.as_bytes()).unwrap();
        assert_eq!(found.link, links[1]);
        assert!(found.is_unfinished && found.torn.is_none());
        // A part of the next one.
        let part = "{\"v\":1,\"seq\":4,";
        let found = tail(format!("{log}{part}").as_bytes()).unwrap();
        assert_eq!(found.link, links[3]);
        assert!(found.is_unfinished);
        assert_eq!(torn(&found), Some((part.len(), &*sha256(part.as_bytes()))));
        // The same with a line end, which records it.
        let found = tail(format!("{log}{part}\n").as_bytes()).unwrap();
        assert!(!found.is_unfinished);
        assert_eq!(torn(&found), Some((part.len(), &*sha256(part.as_bytes()))));
        // Two parts.
        let found = tail(format!("{log}{part}\n{{").as_bytes()).unwrap();
        let both = format!("{part}\n{{");
        assert!(found.is_unfinished);
        assert_eq!(torn(&found), Some((both.len(), &*sha256(both.as_bytes()))));
        // A whole line that is something else was not cut off: that is the verifier's.
        let found = tail(format!("{log}{{}}\n").as_bytes()).unwrap();
        assert_eq!(found.link, links[3]);
        assert!(!found.is_unfinished && found.torn.is_none());
        let found = tail(format!("{log}{{}}\n{{").as_bytes()).unwrap();
        assert_eq!(torn(&found), Some((1, &*sha256(b"{"))));
    }

    #[test]
    fn a_file_without_a_line_is_the_beginning() {
        let found = tail(b"").unwrap();
        assert_eq!(found.link, Link::default());
        assert!(!found.is_unfinished && found.torn.is_none());
        let found = tail(b"{\"v\"").unwrap();
        assert_eq!(found.link, Link::default());
        assert_eq!(torn(&found), Some((4, &*sha256(b"{\"v\""))));
        assert!(found.is_unfinished);
    }

    #[test]
    fn the_last_line_is_found_four_mebibytes_before_the_end_and_no_farther() {
        let (log, links) = lines(2);
        let behind = |bytes: usize| [log.as_bytes(), &vec![b'{'; bytes]].concat();
        for bytes in [1, 8 * 1024, 3 << 20] {
            let found = tail(&behind(bytes)).unwrap();
            assert_eq!(found.link, links[2], "{bytes}");
            assert_eq!(torn(&found).unwrap().0, bytes);
        }
        let error = tail(&behind(4 << 20)).unwrap_err();
        assert!(
            error.to_string().ends_with("its last 4194304 bytes"),
            "{error}"
        );
    }

    /// Where the look begins within a line, that line is not the only one there is.
    #[test]
    fn the_end_of_a_line_is_not_taken_for_the_whole_file() {
        let (log, links) = lines(100);
        assert!(log.len() > 2 * 8 * 1024);
        assert_eq!(tail(log.as_bytes()).unwrap().link, links[100]);
        // Its end is missing, which the others before it have.
        let found = tail(log.trim_end().as_bytes()).unwrap();
        assert_eq!(found.link, links[100]);
        assert!(found.is_unfinished && found.torn.is_none());
        let cut = format!("{log}{{");
        assert_eq!(torn(&tail(cut.as_bytes()).unwrap()).unwrap().0, 1);
    }
}
