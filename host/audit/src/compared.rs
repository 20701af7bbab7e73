use std::path::Path;

use serde::Serialize;

use crate::{Checkpoint, Checkpoints, PublicKey, Verification};

/// What a log is to a checkpoint that was kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Compared {
    /// The number of the last line that it was signed for; `None` where nothing says so that is
    /// believed.
    pub size: Option<u64>,
    /// Whether the lines up to that one are as they were signed; `None` where the log has none
    /// of them, so that nothing can be said of them.
    pub holds: Option<bool>,
    /// The key that signed it.
    pub key: Option<String>,
    /// The same in words: what holds, or what does not.
    pub what: String,
    /// What that may mean, and what to do, where it does not hold.
    pub hint: Option<&'static str>,
}

impl Compared {
    /// Compares the log with this path with the text of a signed note. `found` and `root` are
    /// what [`follow_to`](crate::follow_to) found for the size of the note. The keys of the log
    /// are believed, or this one alone, with those that it speaks for.
    pub fn of(
        note: &str,
        pinned: Option<&PublicKey>,
        path: &Path,
        found: &Verification,
        root: Option<[u8; 32]>,
    ) -> Self {
        let keys = match pinned {
            Some(key) => found.keys_from(key),
            None => Checkpoints::keys(path, found),
        };
        let not = |holds, what: String, hint| Self {
            size: None,
            holds,
            key: None,
            what,
            hint: Some(hint),
        };
        let checkpoint = match Checkpoint::read(note, &keys) {
            Ok(checkpoint) => checkpoint,
            Err(what) => {
                let hint = "the log is another one, or the checkpoint is; without --public-key, only the keys that the log names and the one beside it are believed";
                let what = format!("the checkpoint does not fit: {what}");
                return not(Some(false), what, hint);
            }
        };
        let key = keys.iter().find(|key| key.open(note).is_some());
        let last = found.head.as_ref().and_then(|head| head.number);
        let last = last.unwrap_or_default();
        let size = checkpoint.size;
        let compared = match root {
            Some(root) if root != checkpoint.root => not(
                Some(false),
                format!("it is not what was signed: a line up to {size} is another"),
                "a line was changed and all that follow were written anew, or the log is another one",
            ),
            Some(_) if size <= found.carried => not(
                None,
                format!(
                    "the lines up to {size} are not here: the hash that is carried of them fits, and shows none of them"
                ),
                "compare the files with those lines, or a checkpoint that was signed later",
            ),
            Some(_) => Self {
                holds: Some(true),
                hint: None,
                ..not(None, holding(size, found.carried), "")
            },
            None if last < size => not(
                Some(false),
                format!("its last line has number {last}; the checkpoint was signed for {size}"),
                "lines were removed at its end, or the log is another one",
            ),
            None => not(
                None,
                format!("the lines up to {size} are not here: their files were removed"),
                "compare the files with those lines, or a checkpoint that was signed later",
            ),
        };
        let mut what = compared.what;
        if let (Some(pinned), Some(key)) = (pinned, key)
            && pinned != key
        {
            what += &format!("; the key {key} signed it, for which the one that was given speaks");
        }
        Self {
            size: Some(size),
            key: key.map(ToString::to_string),
            what,
            ..compared
        }
    }
}

fn holding(size: u64, carried: u64) -> String {
    if carried == 0 {
        return format!("line {size} and those before it as they were signed");
    }
    format!(
        "lines {} to {size} as they were signed, and the hash that is carried of those before fits",
        carried + 1
    )
}
