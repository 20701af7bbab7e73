use crate::{is_tailnet, text_type};

text_type! {
    /// The name of a tailnet, or `-` for the one that the credential belongs to.
    Tailnet, TailnetError, |text| is_tailnet(text).then_some(()).ok_or(TailnetError)
}

impl Tailnet {
    /// The tailnet that the credential belongs to.
    pub fn of_credential() -> Self {
        Self("-".to_owned())
    }
}

/// A text that is not the name of a tailnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tailnet is named as in the admin console, such as example.com, or - for the credential's own"
)]
pub struct TailnetError;
