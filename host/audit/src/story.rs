//! What a log knows of one thing, from its beginning to its end.

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use serde::Serialize;
use tailmint_api::{Kind, OutsideText};

use crate::{AuditError, Moment, Record, Verification, Who, follow, happened::Happened};

/// So many entries are told of one thing.
const MOST_ENTRIES: usize = 200;

/// So many runs are followed for one thing.
const MOST_RUNS: usize = 100;

/// So long before a run the identity token came that it was asked with.
const TOKEN_SECONDS: u64 = 600;

/// All that a log knows of one key, client or identity, or of one run that is about none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Story {
    /// What it is about; `None` for a run that is about nothing with an id.
    pub id: Option<OutsideText>,
    /// What that is, where the log says so.
    pub kind: Option<Kind>,
    /// Where it stands.
    pub state: State,
    /// When it was created, and for a key what it may do.
    pub created: Option<Birth>,
    /// How many keys it asked for, if it is a client or an identity.
    pub minted: u64,
    /// The entries about it in their order, with all others of their runs.
    pub entries: Vec<Record>,
    /// How many entries there are besides.
    pub more: u64,
}

/// Where a thing stands, as far as the log knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
#[non_exhaustive]
pub enum State {
    /// It was not created in this log.
    Unknown,
    /// It works. A key that expires does so then.
    Works {
        /// When it expires.
        until: Option<Moment>,
    },
    /// It expired.
    Expired {
        /// When it did.
        at: Moment,
    },
    /// It was revoked or deleted.
    Ended {
        /// When it was.
        at: Moment,
        /// Who did it.
        account: OutsideText,
        /// In which run.
        run: OutsideText,
        /// Whether the API had it until then.
        was_there: bool,
    },
}

/// When and how something came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Birth {
    /// When it was created.
    pub at: Moment,
    /// In which run.
    pub run: OutsideText,
    /// By whom.
    pub account: OutsideText,
    /// Its tags.
    pub tags: Vec<OutsideText>,
    /// How long it was to live, in seconds, if it is a key.
    pub expiry_seconds: Option<u64>,
}

impl Story {
    /// Reads what the log knows of an id, or of a run and what that is about, as of then. It
    /// reads the log up to three times. `None` where the log has no such id and no such run.
    ///
    /// # Errors
    /// The file cannot be read, or is not a regular file.
    pub fn read(
        path: &Path,
        what: &str,
        now: Moment,
    ) -> Result<(Option<Self>, Verification), AuditError> {
        let mut id = None;
        let mut is_known = false;
        let found = each(path, |entry| {
            let of_run = entry.text("run") == what;
            let key = entry.text("key");
            is_known |= of_run || key == what || entry.text("client") == what;
            if of_run && !key.is_empty() {
                id = Some(key.to_owned());
            }
        })?;
        if !is_known {
            return Ok((None, found));
        }
        let is_run = id.is_some();
        let mut runs = BTreeSet::new();
        let id = id.unwrap_or_else(|| what.to_owned());
        let mut about = About::new(&id);
        each(path, |entry| {
            about.see(entry);
            let is_about = entry.text("key") == id || entry.text("run") == what;
            if is_about && runs.len() < MOST_RUNS {
                runs.insert(entry.text("run").to_owned());
            }
        })?;
        let mut entries = Vec::new();
        let mut more = 0;
        each(path, |entry| {
            if !(runs.contains(entry.text("run")) || about.is_token(entry)) {
                return;
            }
            if entries.len() < MOST_ENTRIES {
                entries.push(entry.clone());
            } else {
                more += 1;
            }
        })?;
        let has_id = is_run || about.is_something;
        let state = about.state(now);
        let story = Self {
            id: has_id.then(|| OutsideText::new(&id)),
            kind: about.kind,
            state,
            created: about.created,
            minted: about.minted,
            entries,
            more,
        };
        Ok((Some(story), found))
    }
}

fn each(path: &Path, mut work: impl FnMut(&Record)) -> Result<Verification, AuditError> {
    follow(path, |entry| {
        work(entry);
        ControlFlow::Continue(())
    })
}

/// What is known of an id.
struct About<'a> {
    id: &'a str,
    is_something: bool,
    kind: Option<Kind>,
    created: Option<Birth>,
    /// The process that created it.
    process: Option<(u64, u64)>,
    ended: Option<State>,
    minted: u64,
}

impl<'a> About<'a> {
    fn new(id: &'a str) -> Self {
        Self {
            id,
            is_something: false,
            kind: None,
            created: None,
            process: None,
            ended: None,
            minted: 0,
        }
    }

    fn see(&mut self, entry: &Record) {
        let happened = Happened::of(entry);
        if entry.text("client") == self.id {
            self.is_something = true;
            self.minted += u64::from(happened == Some(Happened::Created(Kind::AuthKey)));
        }
        if entry.text("key") != self.id {
            return;
        }
        self.is_something = true;
        let text = |member| OutsideText::new(entry.text(member));
        let account = OutsideText::of(Who::of(entry));
        match (happened, Moment::of(entry)) {
            (Some(Happened::Created(kind)), Some(at)) => {
                self.kind = Some(kind);
                self.process = Who::process(entry);
                self.created = Some(Birth {
                    at,
                    run: text("run"),
                    account,
                    tags: entry
                        .texts("tags")
                        .into_iter()
                        .map(OutsideText::new)
                        .collect(),
                    expiry_seconds: entry
                        .get("expiry_seconds")
                        .and_then(serde_json::Value::as_u64),
                });
            }
            // The first end is the one.
            (Some(Happened::Ended), Some(at)) if self.ended.is_none() => {
                self.ended = Some(State::Ended {
                    at,
                    account,
                    run: text("run"),
                    was_there: entry.number("status") < 300,
                });
            }
            _ => {}
        }
    }

    /// Whether the entry is about the identity token that it was asked for with.
    fn is_token(&self, entry: &Record) -> bool {
        let (Some(created), Some(at)) = (&self.created, Moment::of(entry)) else {
            return false;
        };
        let is_same = self.process.is_some() && Who::process(entry) == self.process;
        let is_just_before = at <= created.at && created.at <= at.after(TOKEN_SECONDS);
        entry.text("rule") == "identity" && is_same && is_just_before
    }

    fn state(&mut self, now: Moment) -> State {
        let ended = self.ended.take();
        let Some(created) = &self.created else {
            return ended.unwrap_or(State::Unknown);
        };
        let until = created.expiry_seconds.map(|it| created.at.after(it));
        match (ended, until) {
            (Some(ended), _) => ended,
            (None, Some(at)) if at <= now => State::Expired { at },
            (None, until) => State::Works { until },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::line::log_of;

    /// What a log of these entries, all of second 0, knows of it at that second.
    fn read(what: &str, second: i64, entries: &[Value]) -> Option<Story> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        std::fs::write(&path, log_of(entries)).unwrap();
        let now = Moment(jiff::Timestamp::from_second(second).unwrap());
        Story::read(&path, what, now).unwrap().0
    }

    fn entry(run: &str, event: &str, rule: &str, key: &str) -> Value {
        json!({
            "event": event, "run": run, "rule": rule, "key": key, "status": 200,
            "actor": { "uid": 1, "pid": 7 }, "client": "kBOOT", "expiry_seconds": 600,
        })
    }

    #[test]
    fn a_key_stands_where_its_last_entry_leaves_it() {
        let minted = entry("1", "response", "create-auth-key", "k1");
        let revoked = entry("2", "response", "delete-key", "k1");
        let mut gone = revoked.clone();
        gone["status"] = 404.into();
        let state = |second, entries: &[Value]| read("k1", second, entries).unwrap().state;
        let until = Some(Moment(jiff::Timestamp::from_second(600).unwrap()));
        assert_eq!(
            state(599, std::slice::from_ref(&minted)),
            State::Works { until }
        );
        let at = Moment(jiff::Timestamp::from_second(600).unwrap());
        assert_eq!(
            state(600, std::slice::from_ref(&minted)),
            State::Expired { at }
        );
        for (entry, existed) in [(&revoked, true), (&gone, false)] {
            let state = state(600, &[minted.clone(), entry.clone()]);
            let State::Ended { was_there, run, .. } = state else {
                panic!("{state:?}");
            };
            assert_eq!((was_there, &*run), (existed, "2"));
        }
        // The first end is the one.
        let state = state(600, &[minted, revoked, gone]);
        assert!(matches!(
            state,
            State::Ended {
                was_there: true,
                ..
            }
        ));
        assert_eq!(
            read("k1", 0, &[entry("3", "response", "get-key", "k1")])
                .unwrap()
                .state,
            State::Unknown
        );
    }

    #[test]
    fn an_id_a_run_and_a_client_are_found_and_nothing_else_is() {
        let log = [
            entry("1", "decision", "token", ""),
            entry("1", "response", "create-auth-key", "k1"),
            entry("2", "decision", "token", ""),
            entry("3", "response", "delete-key", "k1"),
        ];
        for (what, id, entries) in [
            ("k1", Some("k1"), 3),
            ("1", Some("k1"), 3),
            ("3", Some("k1"), 3),
            ("2", None, 1),
            ("kBOOT", Some("kBOOT"), 0),
        ] {
            let story = read(what, 0, &log).unwrap();
            assert_eq!(story.id.as_deref(), id, "{what}");
            assert_eq!((story.entries.len(), story.more), (entries, 0), "{what}");
            assert_eq!(story.minted, u64::from(what == "kBOOT"));
        }
        assert!(read("4", 0, &log).is_none());
        assert!(read("k", 0, &log).is_none());
    }

    #[test]
    fn more_entries_than_are_told_are_counted() {
        let many = vec![entry("1", "decision", "token", "k1"); MOST_ENTRIES + 3];
        let story = read("k1", 0, &many).unwrap();
        assert_eq!((story.entries.len(), story.more), (MOST_ENTRIES, 3));
    }
}
