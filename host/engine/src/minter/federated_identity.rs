use std::collections::BTreeMap;

use tailmint_api::KeyId;

/// A federated identity as the API describes it. It has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityDetails {
    /// Names the identity: the client id that its tokens are exchanged with.
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
    /// Who issues the tokens that it takes.
    pub issuer: String,
    /// The subjects whose tokens it takes: `*` stands for any characters.
    pub subject: String,
    /// For whom its tokens are issued; empty if unknown.
    pub audience: String,
    /// What other claims have to be, by their names.
    pub claim_rules: BTreeMap<String, String>,
}

/// What a federated identity granted for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityGrant {
    /// The scopes of the access token; empty if the server did not say.
    pub scopes: Vec<String>,
    /// The tags that come with it, likewise.
    pub tags: Vec<String>,
}
