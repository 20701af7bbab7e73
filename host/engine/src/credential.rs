use tailmint_api::KeyId;
use tailmint_core::Secret;
use tailmint_policy::Asking;

/// Who asks the API.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An API access token.
    ApiKey {
        /// The token.
        key: Secret,
    },
    /// An OAuth client, exchanged for an access token of one hour.
    OauthClient {
        /// Its id. Not secret.
        id: String,
        /// Its secret.
        secret: Secret,
    },
    /// A federated identity, with a token that its platform gave out, exchanged for an
    /// access token of one hour.
    FederatedIdentity {
        /// Its id: what the admin console calls the client id. Not secret.
        client_id: KeyId,
        /// The token (a JWT), at most 16 KiB. It is not looked into here.
        id_token: Secret,
    },
}

impl Credential {
    /// Who asks, as far as requests show it.
    pub(crate) fn asking(&self) -> Asking {
        match self {
            Self::ApiKey { .. } => Asking::ApiKey,
            Self::OauthClient { id, .. } => Asking::OauthClient { id: id.clone() },
            Self::FederatedIdentity { client_id, .. } => Asking::FederatedIdentity {
                client_id: client_id.to_string(),
            },
        }
    }
}
