//! What a log says about a time, in numbers and short lists.

mod gathered;
mod listed;
mod period;
mod tallies;
mod timeline;

use std::{ops::ControlFlow, path::Path};

use serde::Serialize;
use tailmint_api::OutsideText;

use crate::{AuditError, Checkpoint, Compared, Head, Moment, PublicKey, Verification, follow_to};

pub use listed::Listed;
pub use period::Period;
pub use timeline::{Counts, Part, Timeline, Unit};

use gathered::Gathered;

/// What a log says about a time. Nothing in it is longer than a line of a terminal, and
/// its lists are cut where they would be too long.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// Where the time begins; with the log where it is `None`.
    pub since: Option<Moment>,
    /// Where it ends.
    pub until: Moment,
    /// How many entries there are of that time.
    pub entries: u64,
    /// When the first of them was written.
    pub first: Option<Moment>,
    /// When the last of them was written.
    pub last: Option<Moment>,
    /// Whether the whole log is as it was written.
    pub chain: ChainState,
    /// All that was counted over time, taken together.
    pub total: Counts,
    /// What was counted over time.
    pub timeline: Timeline,
    /// The runs that asked for a key and have no outcome on record: a key may exist that
    /// only the API knows.
    pub unanswered: Listed<OutsideText>,
    /// Keys that still join machines at the end of the time, as far as the log knows: they
    /// were minted, did not expire, and were not revoked. Those that expire first are first.
    pub joining: Listed<JoiningKey>,
    /// The keys that were minted, by their tags.
    pub tags: Listed<TagCount>,
    /// What was done, by the account of the machine.
    pub accounts: Listed<AccountCounts>,
    /// The requests, by the rule that decided.
    pub rules: Listed<RuleCounts>,
    /// What was denied, or would have been, by rule and reason.
    pub denials: Listed<DenialCounts>,
    /// The OAuth clients and federated identities that asked, were created or were deleted.
    pub clients: Listed<ClientLife>,
    /// The rotations of OAuth clients: one process created a client and then deleted another.
    pub rotations: Listed<Rotation>,
    /// Whom the identity tokens were about that platforms gave out.
    pub identities: Listed<IdentityCounts>,
    /// The policies that decided, by their digests, in the order in which they came.
    pub policies: Listed<InForce>,
    /// The components that ran, by their digests, in the order in which they came.
    pub components: Listed<InForce>,
    /// The versions of tailmint that ran, in the order in which they came.
    pub versions: Listed<InForce>,
}

/// Whether a log is as it was written, from its first line to its last.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ChainState {
    /// How many entries have a good hash.
    pub entries: u64,
    /// How many files were read: the log, and those that it was rotated to.
    pub files: usize,
    /// The number of the first line that is there.
    pub first_line: u64,
    /// The number of the last file before those that are there, all of which are not; 0 where
    /// the log is there from its first line on.
    pub removed_files: u64,
    /// Whether the log says that they were to be removed; `None` where there are none.
    pub removal_recorded: Option<bool>,
    /// How many keys of checkpoints the one before did not sign.
    pub unsigned_keys: usize,
    /// Where the chain breaks: the first places.
    pub breaks: Vec<BreakAt>,
    /// How many places there are beside those.
    pub more_breaks: usize,
    /// How many times lines were cut off by a crash or a full disk, and recorded.
    pub torn: usize,
    /// Whether the last line is cut off.
    pub torn_tail: bool,
    /// The last line, as `audit head` prints it.
    pub head: Option<String>,
    /// What was kept elsewhere, and whether the log has it.
    pub kept: Option<Kept>,
    /// A checkpoint that was kept elsewhere, and whether the log has the lines it was signed
    /// for.
    pub checkpoint: Option<Compared>,
}

/// A place where the chain breaks.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BreakAt {
    /// The name of the file.
    pub file: Option<String>,
    /// The line of that file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// What was kept elsewhere, to show that nothing was cut off at the end.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Kept {
    /// The line that was kept.
    pub head: String,
    /// Whether the log has that line: then nothing before it was removed.
    pub holds: bool,
    /// The number of that line in the log.
    pub line: Option<u64>,
}

/// A key that still joins machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct JoiningKey {
    /// The key's id.
    pub id: OutsideText,
    /// When it was minted.
    pub minted: Moment,
    /// When it expires; `None` where the log does not say.
    pub joins_until: Option<Moment>,
    /// The tags of the machines that join with it.
    pub tags: Vec<OutsideText>,
    /// Who minted it.
    pub account: OutsideText,
    /// The OAuth client or federated identity that asked for it; empty for an API key.
    pub client: OutsideText,
    /// The run that minted it.
    pub run: OutsideText,
}

/// The keys that were minted with a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TagCount {
    /// The tag.
    pub tag: OutsideText,
    /// How many keys.
    pub minted: u64,
}

/// What an account of the machine did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AccountCounts {
    /// The account.
    pub account: OutsideText,
    /// What it did.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The requests that a rule decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RuleCounts {
    /// The rule.
    pub rule: OutsideText,
    /// What was decided, and what came back.
    #[serde(flatten)]
    pub requests: Requests,
}

/// What was decided about requests, and what came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Requests {
    /// How many were allowed.
    pub allowed: u64,
    /// How many a report-only policy would have denied.
    pub reported: u64,
    /// How many were denied.
    pub denied: u64,
    /// How many had a response that is an error.
    pub rejected: u64,
    /// How many had no response.
    pub failed: u64,
}

/// What was denied for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DenialCounts {
    /// Whether it was sent: the policy was report-only.
    pub was_sent: bool,
    /// The rule.
    pub rule: OutsideText,
    /// The reason.
    pub reason: OutsideText,
    /// How often, and when.
    #[serde(flatten)]
    pub seen: Seen,
    /// The last run that it happened to.
    pub last_run: OutsideText,
}

/// How often something was seen, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Seen {
    /// How many entries.
    pub entries: u64,
    /// The first of them in the time of the report.
    pub first: Moment,
    /// The last of them.
    pub last: Moment,
}

/// What is known of an OAuth client or a federated identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ClientLife {
    /// Its id.
    pub id: OutsideText,
    /// When it first and last asked; `None` where it did not.
    pub asked: Option<Seen>,
    /// How many keys it minted.
    pub minted: u64,
    /// When it was created, if that is in the log.
    pub created: Option<Moment>,
    /// When it was deleted, if that is in the log.
    pub deleted: Option<Moment>,
}

/// A client that took the position of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rotation {
    /// When the old one was deleted.
    pub at: Moment,
    /// The old one.
    pub old: OutsideText,
    /// The new one.
    pub new: OutsideText,
    /// Who rotated it.
    pub account: OutsideText,
}

/// Whom identity tokens were about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IdentityCounts {
    /// The platform that was asked.
    pub source: OutsideText,
    /// Who issued the tokens.
    pub issuer: OutsideText,
    /// Whom they were about.
    pub subject: OutsideText,
    /// How often, and when.
    #[serde(flatten)]
    pub seen: Seen,
}

/// Something of which one version decides or runs at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InForce {
    /// Its digest or its number.
    pub name: OutsideText,
    /// How many entries are of it, and when.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What was kept elsewhere of a log.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeptElsewhere<'a> {
    /// Its last line at some time.
    pub head: Option<&'a Head>,
    /// A checkpoint: the text of a signed note.
    pub checkpoint: Option<&'a str>,
    /// The key that checkpoints are verified with; those that the log names where it is `None`.
    pub public_key: Option<&'a PublicKey>,
}

impl Report {
    /// Reads a log once, from its beginning to its end, and reports what it says about the
    /// time. `kept` is what was kept elsewhere.
    ///
    /// # Errors
    /// The file cannot be read, is not a regular file, or is not a log.
    pub fn read(
        path: &Path,
        period: &Period,
        kept: &KeptElsewhere<'_>,
    ) -> Result<Self, AuditError> {
        let mut gathered = Gathered::new(*period);
        let mut line = None;
        let note = kept.checkpoint;
        let public_key = kept.public_key;
        let kept = kept.head;
        let size = note.and_then(Checkpoint::size_of);
        let (found, root) = follow_to(path, size, |entry| {
            if kept.is_some_and(|kept| kept.is(entry)) {
                line = Some(entry.number("seq"));
            }
            gathered.see(entry);
            ControlFlow::Continue(())
        })?;
        if found.is_something_else {
            let detail = "it is not an audit log: no line of it is one";
            return Err(AuditError::unreadable(path, detail));
        }
        let kept = kept.map(|kept| Kept {
            head: kept.to_string(),
            holds: line.is_some(),
            line,
        });
        let checkpoint = note.map(|note| Compared::of(note, public_key, path, &found, root));
        Ok(gathered.finish(ChainState::of(&found, kept, checkpoint)))
    }
}

impl ChainState {
    fn of(found: &Verification, kept: Option<Kept>, checkpoint: Option<Compared>) -> Self {
        let breaks = found.breaks.iter().map(|it| BreakAt {
            file: it.file.clone(),
            line: it.line,
            what: it.what.clone(),
        });
        Self {
            entries: found.entries,
            files: found.files,
            first_line: found.continues.as_ref().map_or(1, |it| it.line),
            removed_files: found.continues.as_ref().map_or(0, |it| it.number),
            removal_recorded: found.is_removal_recorded(),
            unsigned_keys: found.unsigned_keys,
            breaks: breaks.collect(),
            more_breaks: found.more_breaks,
            torn: found.torn,
            torn_tail: found.torn_tail,
            head: found.head.as_ref().map(ToString::to_string),
            kept,
            checkpoint,
        }
    }

    /// Whether nothing was edited, inserted, moved or removed.
    pub fn is_whole(&self) -> bool {
        self.breaks.is_empty()
    }
}
