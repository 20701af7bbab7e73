use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tailmint::KeyId;

/// What a request is about to create at the API, written down before it is asked for. What
/// is still written down when nobody works on it any more is looked for and revoked.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Pending {
    /// Since when.
    #[serde(with = "super::stamp")]
    pub(super) since: Timestamp,
    /// The account that creates it.
    pub(super) lineage: String,
    /// What it is.
    pub(super) what: What,
}

/// What may be alive that nobody has.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// A key with this description, which no other has.
    Minting {
        description: String,
        #[serde(with = "super::stamp")]
        until: Timestamp,
    },
    /// A key that nobody waited for.
    Key {
        id: KeyId,
        #[serde(with = "super::stamp")]
        until: Timestamp,
    },
    /// An OAuth client with this description, which no other has, in place of an old one.
    /// Which of the two the mount has, its configuration says.
    Rotating { description: String, old: KeyId },
    /// An OAuth client that the mount has replaced.
    Replaced { old: KeyId },
}

/// Where these are stored: Vault calls it the write-ahead log.
pub(super) const PREFIX: &str = "wal/";

/// Under which name it is written down what a request creates. Each attempt at a request has
/// a name of its own: an earlier one may still be on its way to the API.
pub(super) fn entry(request: &str, mark: &str) -> String {
    match request {
        // What Vault does by itself has no number.
        "" => format!("{PREFIX}{mark}"),
        request => format!("{PREFIX}{request}-{mark}"),
    }
}

/// Whether an entry of this name, without the prefix, is of this request.
pub(super) fn is_of(name: &str, request: &str) -> bool {
    let rest = name.strip_prefix(request);
    !request.is_empty() && rest.is_some_and(|rest| rest.starts_with('-'))
}

/// A call ends within this, with what it revokes: what is older is nobody's.
const CALL: SignedDuration = SignedDuration::from_mins(1);

impl Pending {
    pub(super) fn new(lineage: &str, what: What) -> Self {
        Self {
            since: Timestamp::now(),
            lineage: lineage.to_owned(),
            what,
        }
    }

    /// Whether something that a process sent, which may not live any more, can still be on
    /// its way. What is not there yet may come.
    pub(super) fn is_recent(&self) -> bool {
        self.since
            .checked_add(CALL)
            .is_ok_and(|end| end > Timestamp::now())
    }

    /// Whether it is certain what is to be revoked, or else whether it is there by now.
    pub(super) fn is_settled(&self) -> bool {
        match self.what {
            What::Minting { .. } | What::Rotating { .. } => !self.is_recent(),
            What::Key { .. } | What::Replaced { .. } => true,
        }
    }
}

/// The requests that this process works on.
#[derive(Clone, Default)]
pub(super) struct Working(Arc<Mutex<HashSet<String>>>);

/// This process works on a request for as long as this lives.
pub(super) struct Work {
    all: Working,
    key: String,
}

impl Working {
    /// Begins with the request that is written down under this name.
    pub(super) fn begin(&self, key: &str) -> Work {
        self.lock().insert(key.to_owned());
        Work {
            all: self.clone(),
            key: key.to_owned(),
        }
    }

    /// Whether this process works on any.
    pub(super) fn is_any(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Whether this process works on it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.lock().contains(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_at_a_request_has_a_name_of_its_own() {
        let name = |request, mark| entry(request, mark).split_off(PREFIX.len());
        let first = name("7f6e-1a", "vault-01");
        assert_ne!(first, name("7f6e-1a", "vault-02"));
        assert!(is_of(&first, "7f6e-1a"));
        assert!(!is_of(&first, "7f6e-1b") && !is_of(&first, "7f6e-1"));
        // What Vault does by itself is never done once more.
        assert!(!is_of(&name("", "vault-01"), ""));
    }
}
