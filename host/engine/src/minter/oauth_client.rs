use tailmint_api::{KeyId, Scope};
use tailmint_core::Secret;

/// An OAuth client as the API describes it, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientDetails {
    /// Names the client.
    pub id: KeyId,
    /// When it was created, in RFC 3339, by the server's clock; empty if unknown.
    pub created: String,
    /// Whether it was deleted.
    pub invalid: bool,
    /// What the admin console shows beside it.
    pub description: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The tags that it may give to machines.
    pub tags: Vec<String>,
}

/// A new OAuth client with its secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewClient {
    /// The secret, exactly as the API gave it out in this run.
    pub secret: Secret,
    /// All else about it.
    pub details: ClientDetails,
}

/// Whether an OAuth client can grant a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeCheck {
    /// The scope that was asked for.
    pub scope: Scope,
    /// Whether the client can grant it.
    pub granted: bool,
    /// The tags that come with it, as far as the server tells them.
    pub tags: Vec<String>,
}
