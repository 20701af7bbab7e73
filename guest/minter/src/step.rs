use tailmint_api::Kind;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Gets an access token.
    Token,
    /// Creates a key.
    Create(Kind),
    /// Describes all keys.
    List(Kind),
    /// Describes a key.
    Get(Kind),
    /// Deletes a key.
    Delete(Kind),
}

impl Step {
    /// The request, in words.
    pub(crate) const fn request(self) -> &'static str {
        use Kind::{AuthKey, OauthClient};

        match self {
            Self::Token => "the request for an access token",
            Self::Create(AuthKey) => "the request to create a key",
            Self::Create(OauthClient) => "the request to create an OAuth client",
            Self::List(AuthKey) => "the request to list the keys",
            Self::List(OauthClient) => "the request to list the OAuth clients",
            Self::Get(AuthKey) => "the request to read the key",
            Self::Get(OauthClient) => "the request to read the OAuth client",
            Self::Delete(AuthKey) => "the request to revoke the key",
            Self::Delete(OauthClient) => "the request to delete the OAuth client",
        }
    }
}
