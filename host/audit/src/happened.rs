use tailmint_api::{Effect, Kind, Rule};

use crate::Record;

/// What an entry says that the API created or ended: what its member `key` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// Something new of this kind.
    Created(Kind),
    /// It was revoked or deleted; or the API had no such thing any more.
    Ended,
}

/// The API's status for what does not exist, or not any more.
const NOT_FOUND: u64 = 404;

impl Happened {
    /// `None` for an entry about something else, or without an id.
    pub(crate) fn of(entry: &Record) -> Option<Self> {
        let rule: Rule = entry.text("rule").parse().ok()?;
        if entry.text("event") != "response" || entry.text("key").is_empty() {
            return None;
        }
        let status = entry.number("status");
        let is_success = (200..300).contains(&status);
        match rule.effect() {
            Effect::Creates(kind) => is_success.then_some(Self::Created(kind)),
            Effect::Deletes => (is_success || status == NOT_FOUND).then_some(Self::Ended),
            Effect::Reads | Effect::Changes => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_created_and_ended_is_told_from_all_else() {
        let created = |kind| Some(Happened::Created(kind));
        for (event, rule, status, key, happened) in [
            (
                "response",
                "create-auth-key",
                200,
                "k1",
                created(Kind::AuthKey),
            ),
            (
                "response",
                "create-client",
                299,
                "k1",
                created(Kind::OauthClient),
            ),
            (
                "response",
                "create-identity",
                200,
                "k1",
                created(Kind::FederatedIdentity),
            ),
            ("response", "delete-key", 200, "k1", Some(Happened::Ended)),
            ("response", "delete-key", 404, "k1", Some(Happened::Ended)),
            ("response", "delete-key", 403, "k1", None),
            ("response", "delete-key", 500, "k1", None),
            ("response", "create-auth-key", 404, "k1", None),
            ("response", "create-auth-key", 199, "k1", None),
            ("response", "create-auth-key", 300, "k1", None),
            ("response", "create-auth-key", 200, "", None),
            ("decision", "create-auth-key", 200, "k1", None),
            ("response", "get-key", 200, "k1", None),
            ("response", "update-identity", 200, "k1", None),
            ("response", "identity", 200, "k1", None),
        ] {
            let members = json!({ "event": event, "rule": rule, "status": status, "key": key });
            let entry = Record(members.as_object().unwrap().clone());
            assert_eq!(Happened::of(&entry), happened, "{members}");
        }
    }
}
