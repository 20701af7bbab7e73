use std::fmt;

/// What the component was called for. Rules are per operation: a request that
/// one of them needs is refused during the others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// Reads one auth key.
    Get,
    /// Makes one auth key.
    Mint,
    /// Revokes one auth key.
    Revoke,
}

impl Operation {
    /// Its name in the policy, the audit and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Mint => "mint",
            Self::Revoke => "revoke",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
