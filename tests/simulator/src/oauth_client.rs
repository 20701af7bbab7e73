use crate::dialect::{Dialect, random};

/// An OAuth client of the tailnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// What the admin console shows beside it; tests find it by this.
    pub description: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was made, in RFC 3339; empty until a simulator has it.
    pub created: String,
    /// Whether it was deleted.
    pub revoked: bool,
}

impl OauthClient {
    /// A client with a random secret of Tailscale's shape.
    pub fn new(description: &str, scopes: &[&str], tags: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self::of(Dialect::Tailscale, description, owned(scopes), owned(tags))
    }

    pub(crate) fn of(
        dialect: Dialect,
        description: &str,
        scopes: Vec<String>,
        tags: Vec<String>,
    ) -> Self {
        let id = dialect.id();
        Self {
            secret: format!("{}-client-{id}-{}", dialect.prefix(), random(32)),
            id,
            description: description.to_owned(),
            scopes,
            tags,
            created: String::new(),
            revoked: false,
        }
    }
}
