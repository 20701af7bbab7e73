use crate::key_kind::KeyKind;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An access token.
    Token,
    /// A new key.
    Create(KeyKind),
    /// The description of a key, or of all.
    Read(KeyKind),
    /// The deletion of a key.
    Delete(KeyKind),
}

impl Step {
    /// What was asked for, in words.
    pub(crate) fn what(self) -> String {
        match self {
            Self::Token => "an access token".to_owned(),
            Self::Create(kind) => format!("a new {}", kind.name()),
            Self::Read(kind) => format!("the {}", kind.name()),
            Self::Delete(kind) => format!("the deletion of the {}", kind.name()),
        }
    }
}
