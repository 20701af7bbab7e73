/// The kinds of keys that the API has under the path `keys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    AuthKey,
    OauthClient,
}

impl KeyKind {
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
