use std::{fmt, str::FromStr};

use tailmint_api::is_tailnet;

/// The name of a tailnet, or `-` for the one that the credential belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tailnet(String);

impl Tailnet {
    /// The tailnet that the credential belongs to.
    pub fn of_credential() -> Self {
        Self("-".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tailnet {
    type Err = TailnetError;

    fn from_str(text: &str) -> Result<Self, TailnetError> {
        is_tailnet(text)
            .then(|| Self(text.to_owned()))
            .ok_or(TailnetError)
    }
}

impl fmt::Display for Tailnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not the name of a tailnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tailnet is named as in the admin console, such as example.com, or - for the credential's own"
)]
pub struct TailnetError;
