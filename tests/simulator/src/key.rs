use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::rfc3339;

/// Which kind of key one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// It joins machines.
    Auth,
    /// It is an OAuth client.
    Client,
}

/// An auth key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// The key itself.
    pub key: String,
    /// What the admin console shows beside it.
    pub description: String,
    /// It joins more than one machine.
    pub reusable: bool,
    /// Its machines are removed when they go offline.
    pub ephemeral: bool,
    /// Its machines need no approval.
    pub preauthorized: bool,
    /// What its machines are tagged with.
    pub tags: Vec<String>,
    /// How long it lives, in seconds.
    pub expiry_seconds: u64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// How many machines have joined with it.
    pub uses: u32,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

impl Key {
    /// Whether it still joins machines.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires && (self.reusable || self.uses == 0)
    }

    /// The key as the API describes it: its string only where it is new.
    pub(crate) fn describe(&self, now: Timestamp, new: bool) -> Value {
        let id: Value = match self.id.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => self.id.as_str().into(),
        };
        let mut key = json!({
            "id": id,
            "keyType": "auth",
            "description": self.description,
            "expirySeconds": self.expiry_seconds,
            "created": rfc3339(self.created),
            "expires": rfc3339(self.expires),
            "invalid": !self.is_live(now),
            "capabilities": { "devices": { "create": {
                "reusable": self.reusable,
                "ephemeral": self.ephemeral,
                "preauthorized": self.preauthorized,
                "tags": self.tags,
            } } },
            "userId": "",
        });
        if new {
            key["key"] = self.key.as_str().into();
        }
        if self.revoked {
            key["revoked"] = rfc3339(now).into();
        }
        key
    }
}
