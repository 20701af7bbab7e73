//! One line of the file, and its link to the line before.

use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::{Map, Value};
use tailmint_api::from_json;
use tailmint_core::digest::{hex, sha256};

/// The version of the format.
const VERSION: u32 = 1;

/// What the first line has in place of the hash of the one before.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How a line ends: the hash of all before this, as it is written.
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";
const HASH_DIGITS: usize = 64;

/// More than any line has. The longest are about requests that are denied, whose paths are
/// written as they are: these have 16 KiB at the most.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// As much of a file as shows whether it is a log, and when its first line was written.
pub(crate) const BEGINNING_BYTES: u64 = 256;

/// How every line begins.
const BEGINNING: &[u8] = b"{\"v\":1,\"seq\":";

/// The position of a line in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the line, from 1.
    pub sequence: u64,
    /// The hash of the line.
    pub hash: String,
}

impl Default for Link {
    /// Before the first line.
    fn default() -> Self {
        Self {
            sequence: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// A line that was read: its position, and all that it says.
#[derive(Debug)]
pub struct Line {
    /// Its position.
    pub link: Link,
    /// The hash of the line before.
    pub previous: String,
    /// All that it says.
    pub members: Map<String, Value>,
}

#[derive(Serialize)]
struct Written<'a, T> {
    v: u32,
    seq: u64,
    prev: &'a str,
    time: String,
    #[serde(flatten)]
    content: &'a T,
}

/// The next line of the chain, without its line end.
///
/// # Errors
/// The content cannot be written as JSON.
pub fn write<T: Serialize>(
    before: &Link,
    time: jiff::Timestamp,
    content: &T,
) -> Result<(String, Link), serde_json::Error> {
    let sequence = before.sequence.saturating_add(1);
    let mut line = serde_json::to_string(&Written {
        v: VERSION,
        seq: sequence,
        prev: &before.hash,
        time: format!("{time:.6}"),
        content,
    })?;
    let hash = sha256(line.as_bytes());
    line.truncate(line.len() - 1);
    line.push_str(HASH);
    line.push_str(&hash);
    line.push_str(END);
    Ok((line, Link { sequence, hash }))
}

const SHAPE: &str = "it is not a line of an audit log";

/// Reads a line.
///
/// # Errors
/// What is wrong with the line by itself.
pub fn read(text: &[u8]) -> Result<Line, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| SHAPE)?;
    let (content, hash) = split_hash(text).ok_or(SHAPE)?;
    let mut digest = Context::new(&SHA256);
    digest.update(content.as_bytes());
    digest.update(b"}");
    if hex(digest.finish().as_ref()) != hash {
        return Err("it was changed: its hash is another");
    }
    let members: Map<String, Value> = from_json(text.as_bytes()).map_err(|_| SHAPE)?;
    let number = |name: &str| members.get(name).and_then(Value::as_u64);
    let previous = members.get("prev").and_then(Value::as_str);
    match (number("v"), number("seq"), previous) {
        (Some(version), Some(sequence), Some(previous)) if version == u64::from(VERSION) => {
            Ok(Line {
                link: Link {
                    sequence,
                    hash: hash.to_owned(),
                },
                previous: previous.to_owned(),
                members,
            })
        }
        _ => Err(SHAPE),
    }
}

/// All before the hash, and the hash.
fn split_hash(text: &str) -> Option<(&str, &str)> {
    let at = text
        .len()
        .checked_sub(HASH.len() + HASH_DIGITS + END.len())?;
    let (content, tail) = text.split_at_checked(at)?;
    let hash = tail.strip_prefix(HASH)?.strip_suffix(END)?;
    Some((content, hash))
}

/// Whether a file that begins so can be a log. Its first lines may have been cut off.
pub(crate) fn begins(mut text: &[u8]) -> bool {
    loop {
        if text.starts_with(BEGINNING) || BEGINNING.starts_with(text) {
            return true;
        }
        let end = text.iter().position(|&byte| byte == b'\n');
        match end.map(|end| text.split_at(end)) {
            Some((cut, rest)) if !cut.is_empty() && BEGINNING.starts_with(cut) => {
                text = &rest[1..];
            }
            _ => return false,
        }
    }
}

/// When the first line was written of a file that begins so.
pub(crate) fn begun(text: &[u8]) -> Option<jiff::Timestamp> {
    let of = |line: &[u8]| {
        let (_, time) = str::from_utf8(line).ok()?.split_once("\"time\":\"")?;
        time.split_once('"')?.0.parse().ok()
    };
    text.split(|&byte| byte == b'\n').find_map(of)
}

/// Whether this is a part of the line that follows this one: what was written of it before
/// it was cut off. A line that was changed has an end.
pub(crate) fn is_part(text: &[u8], before: &Link) -> bool {
    let Link { sequence, hash } = before;
    let next = sequence.saturating_add(1);
    let begin = format!("{{\"v\":{VERSION},\"seq\":{next},\"prev\":\"{hash}\",\"time\":\"");
    let begin = begin.as_bytes();
    let has_end = || std::str::from_utf8(text).is_ok_and(|text| split_hash(text).is_some());
    !text.is_empty() && (begin.starts_with(text) || text.starts_with(begin)) && !has_end()
}

/// The text of a log of these entries, all of them written at second 0.
#[cfg(test)]
pub(crate) fn log_of(entries: &[Value]) -> String {
    let mut link = Link::default();
    let mut log = String::new();
    for entry in entries {
        let (line, next) = write(&link, jiff::Timestamp::UNIX_EPOCH, entry).unwrap();
        log += &format!("{line}\n");
        link = next;
    }
    log
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A line with the right hash behind what it says.
    fn hashed(content: &str) -> String {
        let hash = sha256(format!("{content}}}").as_bytes());
        format!("{content}{HASH}{hash}{END}")
    }

    #[test]
    fn what_was_written_is_read_and_what_was_changed_is_not() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let before = Link::default();
        let (line, link) = write(&before, now, &json!({ "event": "decision" })).unwrap();
        assert_eq!(link.sequence, 1);
        let read_again = read(line.as_bytes()).unwrap();
        assert_eq!(read_again.link, link);
        assert_eq!(read_again.previous, GENESIS);
        assert_eq!(read_again.members["event"], "decision");
        assert_eq!(read_again.members["hash"], link.hash.as_str());
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_line_of_another_version_or_without_its_position_is_none() {
        let content = |v: u32, rest: &str| format!("{{\"v\":{v}{rest}");
        let rest = ",\"seq\":1,\"prev\":\"\"";
        assert!(read(hashed(&content(1, rest)).as_bytes()).is_ok());
        for other in [
            content(0, rest),
            content(2, rest),
            content(1, ",\"prev\":\"\""),
            content(1, ",\"seq\":1"),
            content(1, ",\"seq\":-1,\"prev\":\"\""),
            content(1, ",\"seq\":1,\"prev\":1"),
        ] {
            assert_eq!(
                read(hashed(&other).as_bytes()).unwrap_err(),
                SHAPE,
                "{other}"
            );
        }
        for other in ["", "{}", "\"}", "\u{e9}"] {
            assert_eq!(read(other.as_bytes()).unwrap_err(), SHAPE, "{other}");
        }
        assert_eq!(read(b"\xff").unwrap_err(), SHAPE);
    }

    #[test]
    fn a_log_is_known_by_how_it_begins() {
        for (text, is_log) in [
            ("", true),
            ("{", true),
            ("{\"v\":1,\"seq\":", true),
            ("{\"v\":1,\"seq\":1,", true),
            // What records a line that was cut off.
            ("{\"v\"\n{\"v\":1,\"seq\":1,", true),
            ("{\"v\"\n{\n{\"v\":1,\"seq\":1,", true),
            ("{\"v\"\n", true),
            ("\n{\"v\":1,\"seq\":1,", false),
            ("x\n{\"v\":1,\"seq\":1,", false),
            ("x", false),
            ("{\"v\":2,\"seq\":1,", false),
            ("{\"v\"\nx", false),
        ] {
            assert_eq!(begins(text.as_bytes()), is_log, "{text:?}");
        }
    }

    #[test]
    fn the_time_of_the_first_line_is_at_its_beginning() {
        let now: jiff::Timestamp = "2026-11-26T12:00:00.123456Z".parse().unwrap();
        let before = Link {
            sequence: u64::MAX,
            ..Link::default()
        };
        let (line, _) = write(&before, now, &json!({ "text": "a".repeat(512) })).unwrap();
        let beginning = &line.as_bytes()[..usize::try_from(BEGINNING_BYTES).unwrap()];
        assert_eq!(begun(beginning), Some(now));
        for other in ["", "{", "{\"v\":1,\"time\":\"today\"}"] {
            assert_eq!(begun(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_part_of_the_next_line_is_told_from_one_that_was_changed() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let before = Link::default();
        let (line, link) = write(&before, now, &json!({ "event": "decision" })).unwrap();
        for end in 1..line.len() {
            assert!(is_part(&line.as_bytes()[..end], &before), "{end}");
        }
        assert!(!is_part(b"", &before));
        // It has its end: it was changed.
        let changed = line.replace("decision", "response");
        assert!(!is_part(changed.as_bytes(), &before));
        // It is one, but not the next.
        assert!(!is_part(&line.as_bytes()[..40], &link));
        assert!(!is_part(b"something else", &before));
        assert!(!is_part(b"{\"v\":1,\"seq\":2", &before));
    }

    #[test]
    fn a_line_has_a_mebibyte_at_most() {
        assert_eq!(MAX_LINE_BYTES, 1_048_576);
    }
}
