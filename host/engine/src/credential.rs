use tailmint_core::Secret;

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
}
