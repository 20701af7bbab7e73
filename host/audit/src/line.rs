//! One line of the file, and its link to the line before.

use serde::Serialize;
use serde_json::{Map, Value};
use tailmint_core::digest::sha256;

/// The version of the format.
const VERSION: u32 = 1;

/// What the first line has in place of the hash of the one before.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How a line ends: the hash of all before this, as it is written.
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";
const HASH_DIGITS: usize = 64;

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
    let sequence = before.sequence + 1;
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

/// Reads a line.
///
/// # Errors
/// What is wrong with the line by itself.
pub fn read(text: &[u8]) -> Result<Line, &'static str> {
    const SHAPE: &str = "it is not a line of an audit log";
    let text = std::str::from_utf8(text).map_err(|_| SHAPE)?;
    let head = text
        .len()
        .checked_sub(HASH.len() + HASH_DIGITS + END.len())
        .and_then(|at| text.split_at_checked(at));
    let (content, tail) = head.ok_or(SHAPE)?;
    let hash = tail
        .strip_prefix(HASH)
        .and_then(|tail| tail.strip_suffix(END))
        .ok_or(SHAPE)?;
    if sha256(format!("{content}}}").as_bytes()) != hash {
        return Err("it was changed: its hash is another");
    }
    let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| SHAPE)?;
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
