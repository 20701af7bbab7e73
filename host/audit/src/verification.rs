use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::{Map, Value};
use tailmint_api::Rule;
use tailmint_core::digest::sha256;

use crate::{
    AuditError, Minted, Record,
    line::{self, Link},
};

/// The API ends keys by its own clock.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The result of verifying an audit file.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// The entries whose hashes are good, in their order.
    pub entries: Vec<Record>,
    /// Where the chain breaks.
    pub breaks: Vec<Break>,
    /// How many lines were cut off by a crash or a full disk, and recorded.
    pub torn: usize,
    /// Whether the last line is cut off; the next entry records it.
    pub torn_tail: bool,
    /// The number and the hash of the last line.
    pub head: Option<(u64, String)>,
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

    /// The keys that were minted, according to the entries, and whose time had not
    /// ended by then.
    pub fn minted(&self, by: jiff::Timestamp) -> Vec<Minted> {
        self.about_new_keys(by).filter_map(Minted::of).collect()
    }

    /// Counts the requests for a key that have no outcome on record and whose key would
    /// still be valid at that time. A run that was cut off, or a response that was lost,
    /// leaves a key that only the API knows.
    pub fn unanswered(&self, by: jiff::Timestamp) -> usize {
        let mut open = Vec::new();
        for entry in self.about_new_keys(by) {
            let run = entry.text("run");
            match entry.text("event") {
                "decision" if entry.text("decision") == "deny" => {}
                "decision" => open.push(run),
                "failure" if entry.get("outcome_unknown") == Some(&Value::Bool(true)) => {}
                _ => open.retain(|other| *other != run),
            }
        }
        open.len()
    }

    fn about_new_keys(&self, by: jiff::Timestamp) -> impl Iterator<Item = &Record> {
        self.entries.iter().filter(move |entry| {
            let lives = entry.get("expiry_seconds").and_then(Value::as_i64);
            let made: Option<jiff::Timestamp> = entry.text("time").parse().ok();
            // One whose time cannot be told may still be good.
            let ended = match (made, lives) {
                (Some(made), Some(lives)) => {
                    let ends = made.checked_add(jiff::SignedDuration::from_secs(lives));
                    ends.is_ok_and(|ends| ends + SKEW < by)
                }
                _ => false,
            };
            entry.text("rule") == Rule::CreateAuthKey.name() && !ended
        })
    }

    /// Whether the chain has a line with this hash, so that all up to there is
    /// as it was when someone wrote the hash down.
    pub fn has(&self, hash: &str) -> bool {
        self.entries.iter().any(|entry| entry.text("hash") == hash)
    }
}

/// Reads an audit file and follows its chain.
///
/// Lines that were removed at the end leave no trace in the file: compare its
/// head with one that was kept elsewhere.
///
/// # Errors
/// The file cannot be read.
pub fn verify(path: &Path) -> Result<Verification, AuditError> {
    let failed = |error: std::io::Error| AuditError::io(path, &error);
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut found = Verification::default();
    let mut chain = Chain::default();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if reader.read_until(b'\n', &mut text).map_err(failed)? == 0 {
            break;
        }
        if text.pop_if(|byte| *byte == b'\n').is_none() {
            found.torn_tail = true;
            break;
        }
        chain.follow(number, &text, &mut found);
    }
    if let Some((number, what)) = chain.unread.map(|unread| (unread.number, unread.what)) {
        found.breaks.push(Break {
            line: number,
            what: what.to_owned(),
        });
    }
    found.head = (chain.link.sequence > 0).then_some((chain.link.sequence, chain.link.hash));
    Ok(found)
}

/// The chain up to a line.
#[derive(Default)]
struct Chain {
    link: Link,
    /// The last line, if it is not an entry: the next one may say that it is torn.
    unread: Option<Unread>,
}

struct Unread {
    number: usize,
    what: &'static str,
    bytes: usize,
    digest: String,
}

impl Chain {
    fn follow(&mut self, number: usize, text: &[u8], found: &mut Verification) {
        let mut broken = |line: usize, what: String| found.breaks.push(Break { line, what });
        let line = match line::read(text) {
            Ok(line) => line,
            Err(what) => {
                if let Some(unread) = self.unread.take() {
                    broken(unread.number, unread.what.to_owned());
                }
                self.unread = Some(Unread {
                    number,
                    what,
                    bytes: text.len(),
                    digest: sha256(text),
                });
                return;
            }
        };
        if let Some(unread) = self.unread.take() {
            if unread.is_recorded_by(&line.members) {
                found.torn += 1;
            } else {
                broken(unread.number, unread.what.to_owned());
            }
        }
        let expected = self.link.sequence + 1;
        if line.link.sequence != expected {
            broken(
                number,
                format!(
                    "it has number {} where {expected} is due",
                    line.link.sequence
                ),
            );
        } else if line.previous != self.link.hash {
            broken(number, "it does not follow the line before it".to_owned());
        }
        self.link = line.link;
        found.entries.push(Record(line.members));
    }
}

impl Unread {
    fn is_recorded_by(&self, next: &Map<String, Value>) -> bool {
        next.get("event").and_then(Value::as_str) == Some("torn")
            && next.get("torn_bytes").and_then(Value::as_u64) == Some(self.bytes as u64)
            && next.get("torn_sha256").and_then(Value::as_str) == Some(&self.digest)
    }
}
