use tailmint_api::{KeyCapabilities, KeyId};
use tailmint_core::Secret;

/// An auth key as the API describes it, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthKey {
    /// Names the key to [`get`](crate::Minter::get) and
    /// [`revoke`](crate::Minter::revoke).
    pub id: KeyId,
    /// When it was created, in RFC 3339, by the server's clock; empty if unknown.
    pub created: String,
    /// When it stops joining machines, likewise.
    pub expires: String,
    /// Whether it no longer joins machines.
    pub invalid: bool,
    /// What it lets devices do, and their tags.
    pub capabilities: KeyCapabilities<Vec<String>>,
    /// What the admin console shows beside it.
    pub description: Option<String>,
}

/// A new auth key with the secret that joins machines.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MintedKey {
    /// The secret, exactly as the API gave it out in this run.
    pub key: Secret,
    /// All else about it.
    pub details: AuthKey,
}
