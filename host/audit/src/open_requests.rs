use serde_json::Value;

use crate::Record;

/// The runs whose request for a key has no outcome on record so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenRequests(pub(crate) Vec<String>);

impl OpenRequests {
    /// Takes note of an entry about a request for a key.
    pub(crate) fn see(&mut self, entry: &Record) {
        let run = entry.text("run");
        match entry.text("event") {
            "decision" if entry.text("decision") == "deny" => {}
            "decision" => self.0.push(run.to_owned()),
            "failure" if entry.get("outcome_unknown") == Some(&Value::Bool(true)) => {}
            // A gateway's response, or one without the id of a key, leaves it open.
            "response" if !says_whether_there_is_a_key(entry) => {}
            _ => self.0.retain(|other| other != run),
        }
    }
}

/// Whether the response names the key, or is a rejection.
fn says_whether_there_is_a_key(entry: &Record) -> bool {
    !entry.text("key").is_empty() || (400..500).contains(&entry.number("status"))
}
