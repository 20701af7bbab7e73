use std::{fmt, str::FromStr};

/// What the component was called for. Rules are per operation: a request that
/// one of them needs is refused during the others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// Asks which scopes an OAuth client can grant.
    Check,
    /// Makes one OAuth client.
    CreateClient,
    /// Deletes one OAuth client.
    DeleteClient,
    /// Reads one auth key.
    Get,
    /// Reads all auth keys.
    List,
    /// Reads all OAuth clients.
    ListClients,
    /// Makes one auth key.
    Mint,
    /// Revokes one auth key.
    Revoke,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Check,
        Self::CreateClient,
        Self::DeleteClient,
        Self::Get,
        Self::List,
        Self::ListClients,
        Self::Mint,
        Self::Revoke,
    ];

    /// Its name in the policy, the audit and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::CreateClient => "create-client",
            Self::DeleteClient => "delete-client",
            Self::Get => "get",
            Self::List => "list",
            Self::ListClients => "list-clients",
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

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
            format!("give one of {}", names.join(", "))
        })
    }
}
