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
