use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A key that was minted, as this mount remembers it: not the key itself.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Minted {
    pub(super) role: String,
    pub(super) description: String,
    #[serde(with = "super::stamp")]
    pub(super) created: Timestamp,
    #[serde(with = "super::stamp")]
    pub(super) expires: Timestamp,
    /// The request of Vault that it was minted for.
    pub(super) request: String,
    /// The account that minted it.
    pub(super) lineage: String,
}

impl Minted {
    /// Where they are stored, by the keys' ids.
    pub(super) const PREFIX: &str = "key/";

    pub(super) fn shown(&self) -> Value {
        json!({
            "role": self.role,
            "description": self.description,
            "created": self.created.to_string(),
            "expires": self.expires.to_string(),
            "request_id": self.request,
        })
    }
}
