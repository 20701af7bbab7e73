//! The first line of a file that another one precedes.

use serde::Serialize;
use serde_json::Value;

use crate::{Actor, PublicKey, Record, Tree, Verification, archive};

/// What the line is called.
const EVENT: &str = "rotated";

/// The line as it is written.
#[derive(Serialize)]
pub(crate) struct Continuation<'a> {
    event: &'static str,
    actor: &'a Actor,
    version: &'static str,
    /// The file that this one continues.
    file: String,
    /// The number of that file.
    number: u64,
    /// The number of its last line.
    last: u64,
    /// The oldest file that is kept: what is older is removed next.
    oldest: u64,
    /// The tree over all lines before this one, so that it can be gone on with where the
    /// files before were removed.
    tree: Peaks,
    /// The key that checkpoints are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Serialize)]
struct Peaks {
    size: u64,
    peaks: Vec<String>,
}

impl<'a> Continuation<'a> {
    /// After this file, of which this was found.
    pub(crate) fn of(
        file: String,
        number: u64,
        oldest: u64,
        found: &Verification,
        actor: &'a Actor,
    ) -> Self {
        Self {
            event: EVENT,
            actor,
            version: env!("CARGO_PKG_VERSION"),
            file,
            number,
            last: found.head.as_ref().and_then(|it| it.number).unwrap_or(0),
            oldest,
            tree: Peaks {
                size: found.tree.size(),
                peaks: found.tree.peaks(),
            },
            key: found.keys.last().map(ToString::to_string),
        }
    }
}

/// The line as it is read.
pub(crate) struct Beginning {
    /// The number of the file that this one continues.
    pub(crate) number: u64,
    /// The number of the last line of that file.
    pub(crate) last: u64,
    /// The number of the oldest file that was kept.
    pub(crate) oldest: u64,
    /// The tree over all lines before; `None` where what is there describes no tree.
    pub(crate) tree: Option<Tree>,
    pub(crate) key: Option<PublicKey>,
}

impl Beginning {
    /// `None` where the entry is about something else.
    pub(crate) fn read(entry: &Record) -> Option<Self> {
        if entry.text("event") != EVENT {
            return None;
        }
        let tree = entry.get("tree").and_then(Value::as_object).cloned();
        let tree = Record(tree.unwrap_or_default());
        Some(Self {
            number: archive::number(entry.text("file"))?,
            last: entry.number("last"),
            oldest: entry.number("oldest"),
            tree: Tree::resumed(tree.number("size"), &tree.texts("peaks")),
            key: entry.text("key").parse().ok(),
        })
    }
}
