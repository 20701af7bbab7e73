use std::{ops::ControlFlow, path::Path};

use serde_json::Value;
use tailmint_api::{Operation, Rule};

use crate::{AuditError, Minted, Record, follow};

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
        let mut open: Vec<String> = Vec::new();
        follow(path, |entry| {
            if is_deleted_client(entry) {
                deleted.push(entry.text("key").to_owned());
            }
            if !is_about_new_key(entry, by) {
                return ControlFlow::Continue(());
            }
            let run = entry.text("run");
            match entry.text("event") {
                "decision" if entry.text("decision") == "deny" => {}
                "decision" => open.push(run.to_owned()),
                "failure" if entry.get("outcome_unknown") == Some(&Value::Bool(true)) => {}
                // A gateway's response, or one without the id of a key, leaves it open.
                "response" if !is_answer(entry) => {}
                _ => open.retain(|other| other != run),
            }
            minted.extend(Minted::of(entry));
            ControlFlow::Continue(())
        })?;
        for minted in &mut minted {
            let client = minted.client.as_ref();
            minted.is_client_deleted = client.is_some_and(|client| deleted.contains(client));
        }
        Ok(Self {
            minted,
            unanswered: open.len(),
        })
    }
}

fn is_deleted_client(entry: &Record) -> bool {
    entry.text("event") == "response"
        && entry.text("operation") == Operation::DeleteClient.name()
        && entry.text("rule") == Rule::DeleteKey.name()
        && entry.number("status") == 200
}

/// Whether the response says whether there is a key: one that names it, or a rejection.
fn is_answer(entry: &Record) -> bool {
    !entry.text("key").is_empty() || (400..500).contains(&entry.number("status"))
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
