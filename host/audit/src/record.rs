use serde_json::{Map, Value};

/// An entry that was read: what a line of an audit file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(pub(crate) Map<String, Value>);

impl Record {
    /// The member as it is written, where the entry has it.
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.0.get(member)
    }

    /// The text of the member; empty where the entry has none.
    pub fn text(&self, member: &str) -> &str {
        self.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// The number of the member; 0 where the entry has none.
    pub fn number(&self, member: &str) -> u64 {
        self.get(member).and_then(Value::as_u64).unwrap_or_default()
    }

    /// The texts of a list; none where the entry has no such list.
    pub fn texts(&self, member: &str) -> Vec<&str> {
        let items = self.get(member).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The whole entry as JSON, in one line.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}
