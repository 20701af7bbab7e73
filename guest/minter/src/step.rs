use tailmint_api::Kind;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Gets an access token with an OAuth client's credentials.
    Token,
    /// Gets an access token for an identity token.
    Exchange,
    /// Creates a key.
    Create(Kind),
    /// Changes a key.
    Update(Kind),
    /// Describes all keys.
    List(Kind),
    /// Describes a key.
    Get(Kind),
    /// Deletes a key.
    Delete(Kind),
}

impl Step {
    /// What the request creates or changes, where it does.
    pub(crate) const fn changes(self) -> Option<Kind> {
        match self {
            Self::Create(kind) | Self::Update(kind) => Some(kind),
            Self::Token | Self::Exchange | Self::List(_) | Self::Get(_) | Self::Delete(_) => None,
        }
    }

    /// What to do where the request may have been carried out, and nobody knows.
    pub(crate) const fn look_for_it(self) -> Option<&'static str> {
        match self {
            Self::Create(kind) => Some(kind.look_for_it()),
            Self::Update(_) => Some("see in the admin console whether it was changed"),
            Self::Token | Self::Exchange | Self::List(_) | Self::Get(_) | Self::Delete(_) => None,
        }
    }

    /// The request, in words.
    pub(crate) fn request(self) -> String {
        match self {
            Self::Token => "the request for an access token".to_owned(),
            Self::Exchange => "the request to exchange the identity token".to_owned(),
            Self::Create(kind) => format!("the request to create {}", kind.with_article()),
            Self::Update(kind) => format!("the request to change the {}", kind.name()),
            Self::List(kind) => format!("the request to list the {}", kind.plural()),
            Self::Get(kind) => format!("the request to read the {}", kind.name()),
            Self::Delete(Kind::AuthKey) => "the request to revoke the key".to_owned(),
            Self::Delete(kind) => format!("the request to delete the {}", kind.name()),
        }
    }
}
