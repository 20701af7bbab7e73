use tailmint_api::KeyId;

use crate::Record;

/// A key that was minted, according to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Minted {
    /// The key.
    pub id: KeyId,
    /// The OAuth client that asked for it, where one did.
    pub client: Option<String>,
    /// The tailnet that it is for, `-` for the credential's own; `None` in an entry of a
    /// version that did not write it down.
    pub tailnet: Option<String>,
    /// Whether that client was deleted since, as a rotation does. Another one speaks for the
    /// profile now.
    pub is_client_deleted: bool,
}

impl Minted {
    /// The key that the entry is about, a response with a new one.
    pub(crate) fn of(entry: &Record) -> Option<Self> {
        let text = |member| Some(entry.text(member).to_owned()).filter(|text| !text.is_empty());
        let is_success = (200..300).contains(&entry.number("status"));
        let is_response = entry.text("event") == "response" && is_success;
        Some(Self {
            id: entry.text("key").parse().ok().filter(|_| is_response)?,
            client: text("client"),
            tailnet: text("tailnet"),
            is_client_deleted: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u64, event: &str, key: &str, client: &str) -> Option<Minted> {
        let members = json!({ "status": status, "event": event, "key": key, "client": client });
        Minted::of(&Record(members.as_object().unwrap().clone()))
    }

    #[test]
    fn a_key_is_one_that_a_successful_response_names() {
        let minted = of(200, "response", "k1CNTRL", "kBOOTCNTRL").unwrap();
        assert_eq!(minted.id.as_str(), "k1CNTRL");
        assert_eq!(minted.client.as_deref(), Some("kBOOTCNTRL"));
        assert_eq!(minted.tailnet, None);
        assert!(!minted.is_client_deleted);
        assert_eq!(of(200, "response", "k1CNTRL", "").unwrap().client, None);
        assert!(of(299, "response", "k1CNTRL", "").is_some());
        assert_eq!(of(199, "response", "k1CNTRL", ""), None);
        assert_eq!(of(300, "response", "k1CNTRL", ""), None);
        assert_eq!(of(404, "response", "k1CNTRL", ""), None);
        assert_eq!(of(200, "decision", "k1CNTRL", ""), None);
        assert_eq!(of(200, "response", "", ""), None);
    }
}
