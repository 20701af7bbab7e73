use serde_json::Value;
use zeroize::Zeroizing;

use super::fresh::Fresh;

/// What Vault is given.
pub(crate) enum Reply {
    /// Nothing: a write is done, or what was read is not there.
    Nothing,
    /// Data, and what an administrator should know.
    Data { data: Value, warnings: Vec<String> },
    /// A key with a lease.
    Key(Box<LeaseOfKey>),
    /// The lease lasts for this many seconds from now.
    Renewed { ttl: i64 },
}

/// A new key with its lease.
pub(crate) struct LeaseOfKey {
    /// What the client gets, as JSON: the key is in it.
    pub(crate) data: Zeroizing<String>,
    /// What comes back with each revocation and renewal, as JSON.
    pub(crate) internal_data: String,
    /// In seconds.
    pub(crate) ttl: i64,
    /// Likewise.
    pub(crate) max_ttl: i64,
    /// When it is issued, in seconds since 1970.
    pub(crate) issued: i64,
    /// Revokes the key unless somebody takes it.
    pub(crate) fresh: Fresh,
}

impl Reply {
    pub(super) fn data(data: Value) -> Self {
        Self::Data {
            data,
            warnings: Vec::new(),
        }
    }

    pub(super) fn warning(warning: String) -> Self {
        Self::Data {
            data: Value::Null,
            warnings: vec![warning],
        }
    }

    pub(super) fn with_warning(self, warning: &str) -> Self {
        match self {
            Self::Data { data, mut warnings } => {
                warnings.push(warning.to_owned());
                Self::Data { data, warnings }
            }
            other => other,
        }
    }
}
