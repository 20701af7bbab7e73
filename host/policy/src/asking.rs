use tailmint_api::Rule;

/// Who asks, as far as requests show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asking {
    /// An API key, which needs no access token.
    ApiKey,
    /// An OAuth client.
    OauthClient {
        /// Its id.
        id: String,
    },
    /// A federated identity.
    FederatedIdentity {
        /// Its id.
        client_id: String,
    },
}

impl Asking {
    /// The request for an access token that comes before others.
    pub(crate) fn token_rule(&self) -> Option<Rule> {
        match self {
            Self::ApiKey => None,
            Self::OauthClient { .. } => Some(Rule::Token),
            Self::FederatedIdentity { .. } => Some(Rule::TokenExchange),
        }
    }

    /// The id that stands in the request for an access token.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::ApiKey => None,
            Self::OauthClient { id } => Some(id),
            Self::FederatedIdentity { client_id } => Some(client_id),
        }
    }
}
