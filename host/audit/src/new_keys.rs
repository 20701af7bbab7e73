use std::{ops::ControlFlow, path::Path};

use serde_json::Value;
use tailmint_api::{Operation, Rule};

use crate::{AuditError, Minted, Record, follow, open_requests::OpenRequests};

/// The API ends keys by its own clock.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The keys that a log tells of and whose time has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewKeys {
    /// Those that were minted.
    pub minted: Vec<Minted>,
    /// How many requests for a key have no outcome on record. A run that was cut off, or
    /// a response that was lost, leaves a key that only the API knows.
    pub unanswered: usize,
}

impl NewKeys {
    /// Reads them from an audit file, with those whose time had not ended by then.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path, by: jiff::Timestamp) -> Result<Self, AuditError> {
        let mut minted: Vec<Minted> = Vec::new();
        let mut deleted: Vec<String> = Vec::new();
        let mut open = OpenRequests::default();
        follow(path, |entry| {
            if is_deleted_client(entry) {
                deleted.push(entry.text("key").to_owned());
            }
            if !is_about_new_key(entry, by) {
                return ControlFlow::Continue(());
            }
            open.see(entry);
            minted.extend(Minted::of(entry));
            ControlFlow::Continue(())
        })?;
        for minted in &mut minted {
            let client = minted.client.as_ref();
            minted.is_client_deleted = client.is_some_and(|client| deleted.contains(client));
        }
        Ok(Self {
            minted,
            unanswered: open.0.len(),
        })
    }
}

fn is_deleted_client(entry: &Record) -> bool {
    entry.text("event") == "response"
        && entry.text("operation") == Operation::DeleteClient.name()
        && entry.text("rule") == Rule::DeleteKey.name()
        && entry.number("status") == 200
}

fn is_about_new_key(entry: &Record, by: jiff::Timestamp) -> bool {
    let lives = entry.get("expiry_seconds").and_then(Value::as_i64);
    let made: Option<jiff::Timestamp> = entry.text("time").parse().ok();
    // One whose time cannot be told may still be good.
    let ended = match (made, lives) {
        (Some(made), Some(lives)) => {
            let ends = made
                .checked_add(jiff::SignedDuration::from_secs(lives))
                .and_then(|ends| ends.checked_add(SKEW));
            ends.is_ok_and(|ends| ends < by)
        }
        _ => false,
    };
    entry.text("rule") == Rule::CreateAuthKey.name() && !ended
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::line::log_of;

    /// A log of these entries, all of them written at second 0.
    fn read(entries: &[Value], by: i64) -> NewKeys {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        std::fs::write(&path, log_of(entries)).unwrap();
        NewKeys::read(&path, jiff::Timestamp::from_second(by).unwrap()).unwrap()
    }

    fn asked(run: &str) -> Value {
        json!({
            "event": "decision", "run": run, "rule": "create-auth-key",
            "decision": "allow", "expiry_seconds": 600,
        })
    }

    fn responded(run: &str, status: u16, key: &str) -> Value {
        json!({
            "event": "response", "run": run, "rule": "create-auth-key", "client": "kBOOT",
            "status": status, "key": key, "expiry_seconds": 600,
        })
    }

    #[test]
    fn a_request_is_open_until_its_outcome_is_known() {
        let failed = |is_unknown: bool| {
            json!({
                "event": "failure", "run": "1", "rule": "create-auth-key",
                "outcome_unknown": is_unknown,
            })
        };
        let denied = json!({
            "event": "decision", "run": "1", "rule": "create-auth-key", "decision": "deny",
        });
        for (outcome, minted, unanswered) in [
            (None, 0, 1),
            (Some(responded("1", 200, "k1CNTRL")), 1, 0),
            (Some(responded("1", 200, "")), 0, 1),
            (Some(responded("1", 400, "")), 0, 0),
            (Some(responded("1", 499, "")), 0, 0),
            (Some(responded("1", 500, "")), 0, 1),
            (Some(responded("1", 399, "")), 0, 1),
            (Some(responded("2", 200, "k1CNTRL")), 1, 1),
            (Some(failed(false)), 0, 0),
            (Some(failed(true)), 0, 1),
            (Some(denied.clone()), 0, 1),
        ] {
            let entries: Vec<_> = [Some(asked("1")), outcome].into_iter().flatten().collect();
            let found = read(&entries, 0);
            let counts = (found.minted.len(), found.unanswered);
            assert_eq!(counts, (minted, unanswered), "{entries:?}");
        }
        let found = read(&[denied], 0);
        assert_eq!(found.unanswered, 0);
        // What is about something else opens and closes nothing.
        let token = json!({
            "event": "response", "run": "1", "rule": "token", "status": 200, "key": "k2CNTRL",
        });
        let found = read(&[asked("1"), token], 0);
        assert_eq!((found.minted.len(), found.unanswered), (0, 1));
    }

    #[test]
    fn a_key_is_told_of_until_its_time_and_an_hour_have_ended() {
        let entries = [asked("1"), responded("1", 200, "k1CNTRL")];
        let ends = 600 + 3600;
        assert_eq!(read(&entries, ends).minted.len(), 1);
        assert_eq!(read(&entries, ends + 1).minted.len(), 0);
        // One whose time cannot be told may still be good.
        let mut timeless = responded("1", 200, "k1CNTRL");
        timeless.as_object_mut().unwrap().remove("expiry_seconds");
        assert_eq!(read(&[timeless], ends + 1).minted.len(), 1);
    }

    #[test]
    fn a_client_is_deleted_by_a_response_that_says_so() {
        let deleted = |change: &dyn Fn(&mut Value)| {
            let mut entry = json!({
                "event": "response", "operation": "delete-client", "rule": "delete-key",
                "status": 200, "key": "kBOOT",
            });
            change(&mut entry);
            let found = read(&[responded("1", 200, "k1CNTRL"), entry], 0);
            found.minted[0].is_client_deleted
        };
        assert!(deleted(&|_| {}));
        assert!(!deleted(&|entry| entry["event"] = "decision".into()));
        assert!(!deleted(&|entry| entry["operation"] = "revoke".into()));
        assert!(!deleted(&|entry| entry["rule"] = "token".into()));
        assert!(!deleted(&|entry| entry["status"] = 404.into()));
        assert!(!deleted(&|entry| entry["key"] = "kOTHER".into()));
    }
}
