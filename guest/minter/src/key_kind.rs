/// The kinds of keys that the API has under the path `keys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    AuthKey,
    OauthClient,
}

impl KeyKind {
    /// The API's word for it, as the member `keyType` has it.
    pub(crate) const fn key_type(self) -> &'static str {
        match self {
            Self::AuthKey => "auth",
            Self::OauthClient => "client",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AuthKey => "key",
            Self::OauthClient => "OAuth client",
        }
    }

    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::AuthKey => "a key",
            Self::OauthClient => "an OAuth client",
        }
    }
}
