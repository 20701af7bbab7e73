use crate::key_kind::KeyKind;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Gets an access token.
    Token,
    /// Creates a key.
    Create(KeyKind),
    /// Describes all keys.
    List(KeyKind),
    /// Describes a key.
    Get(KeyKind),
    /// Deletes a key.
    Delete(KeyKind),
}

impl Step {
    /// The request, in words.
    pub(crate) const fn request(self) -> &'static str {
        use KeyKind::{AuthKey, OauthClient};

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
