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
