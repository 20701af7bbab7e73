use crate::{ProfileIdentity, Source};

/// What the keys of a profile are minted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileCredential {
    /// An OAuth client.
    OauthClient {
        /// Where its id comes from.
        id: Source,
        /// Where its secret comes from.
        secret: Source,
    },
    /// A federated identity, which has no secret.
    FederatedIdentity(ProfileIdentity),
}

impl ProfileCredential {
    /// The files in the secrets directory that it is in.
    pub(crate) fn files(&self) -> Vec<String> {
        match self {
            Self::OauthClient { id, secret } => [id, secret]
                .into_iter()
                .filter_map(|source| match source {
                    Source::File(name) => Some(name.clone()),
                    Source::Command(_) => None,
                })
                .collect(),
            Self::FederatedIdentity(identity) => identity.beside.clone(),
        }
    }

    /// Whether the policy has a say in where it comes from: a command prints a part of it,
    /// or a platform vouches for it.
    pub fn needs_policy(&self) -> bool {
        match self {
            Self::OauthClient { .. } => self.has_commands(),
            Self::FederatedIdentity(_) => true,
        }
    }

    /// Whether a command prints a part of the OAuth client.
    pub(crate) fn has_commands(&self) -> bool {
        match self {
            Self::OauthClient { id, secret } => [id, secret]
                .iter()
                .any(|source| matches!(source, Source::Command(_))),
            Self::FederatedIdentity(_) => false,
        }
    }
}
