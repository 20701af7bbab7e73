use std::fmt;

use serde_json::Value;
use tailmint_api::OutsideText;

use crate::Record;

/// The account of the machine that ran what an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The user's number, which the system vouched for.
    pub uid: Option<u64>,
    /// The user's name, as the environment said.
    pub user: OutsideText,
}

impl Who {
    /// The account that the entry names.
    pub fn of(entry: &Record) -> Self {
        let actor = entry.get("actor");
        let user = actor.and_then(|actor| actor["user"].as_str());
        Self {
            uid: actor.and_then(|actor| actor["uid"].as_u64()),
            user: OutsideText::new(user.unwrap_or_default()),
        }
    }

    /// The process of the entry: two entries of one have the same.
    pub(crate) fn process(entry: &Record) -> Option<(u64, u64)> {
        let actor = entry.get("actor")?;
        let number = |member| actor.get(member).and_then(Value::as_u64);
        Some((number("uid")?, number("pid")?))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.uid, &*self.user) {
            (None, _) => f.write_str("an unknown account"),
            (Some(uid), "") => write!(f, "uid {uid}"),
            (Some(uid), user) => write!(f, "{user} (uid {uid})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_said_by_its_name_and_its_number() {
        for (actor, said) in [
            (
                json!({ "uid": 1000, "user": "me", "pid": 7 }),
                "me (uid 1000)",
            ),
            (json!({ "uid": 0, "user": null }), "uid 0"),
            (json!({ "user": "me" }), "an unknown account"),
            (json!("me"), "an unknown account"),
            (
                json!({ "uid": 1, "user": "a\nb tskey-auth-k1" }),
                "a b [a key] (uid 1)",
            ),
        ] {
            let members = json!({ "actor": actor });
            let entry = Record(members.as_object().unwrap().clone());
            assert_eq!(Who::of(&entry).to_string(), said);
        }
    }
}
