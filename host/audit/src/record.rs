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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_handed_out_as_they_are_and_absent_ones_are_empty() {
        let members = json!({ "text": "a", "number": 7, "texts": ["a", "b"] });
        let record = Record(members.as_object().unwrap().clone());
        assert_eq!(record.get("number"), Some(&json!(7)));
        assert_eq!(record.get("other"), None);
        assert_eq!((record.text("text"), record.text("number")), ("a", ""));
        assert_eq!((record.number("number"), record.number("text")), (7, 0));
        assert_eq!(record.texts("texts"), ["a", "b"]);
        assert_eq!(record.texts("text"), [""; 0]);
        let again: Result<Value, _> = tailmint_api::from_json(record.to_json().as_bytes());
        assert_eq!(again, Ok(members));
    }
}
