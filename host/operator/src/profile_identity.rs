use tailmint::{KeyId, federated_identity::Audience};

use crate::TokenSource;

/// The federated identity of a profile: what its tokens are exchanged with, and where they
/// come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileIdentity {
    /// Its id: what the admin console calls the client id.
    pub client_id: KeyId,
    /// For whom its tokens are issued.
    pub audience: Audience,
    /// Where its tokens come from.
    pub source: TokenSource,
    /// The files in the secrets directory that an OAuth client of the profile would be in.
    /// With one of them there the profile would have two credentials.
    pub beside: Vec<String>,
    /// As whom root reads its files: the user whose configuration names them.
    pub user: Option<u32>,
}

impl ProfileIdentity {
    /// The identity with this client id, whose tokens come from there, with the audience
    /// that Tailscale gives to identities where none is given.
    pub fn new(client_id: KeyId, audience: Option<Audience>, source: TokenSource) -> Self {
        Self {
            audience: audience.unwrap_or_else(|| Audience::of_identity(&client_id)),
            client_id,
            source,
            beside: Vec::new(),
            user: None,
        }
    }
}
