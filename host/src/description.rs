use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tailmint_api::{MAX_DESCRIPTION_BYTES, is_description};

/// What the admin console shows beside a key: at most 50 letters, digits,
/// hyphens and spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

impl Description {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Description {
    type Err = DescriptionError;

    fn from_str(text: &str) -> Result<Self, DescriptionError> {
        let fits = is_description(text) && !text.is_empty() && text.trim() == text;
        fits.then(|| Self(text.to_owned())).ok_or(DescriptionError)
    }
}

impl TryFrom<String> for Description {
    type Error = DescriptionError;

    fn try_from(text: String) -> Result<Self, DescriptionError> {
        text.parse()
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a description has 1 to {MAX_DESCRIPTION_BYTES} letters, digits, hyphens and spaces, none of them around it"
)]
pub struct DescriptionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_limit_and_refuses_one_beyond() {
        assert!("build 7-b".parse::<Description>().is_ok());
        assert!(
            "d".repeat(MAX_DESCRIPTION_BYTES)
                .parse::<Description>()
                .is_ok()
        );
        for text in [
            "",
            " a",
            "a ",
            "a_b",
            "a/b",
            "ü",
            "a\nb",
            &"d".repeat(MAX_DESCRIPTION_BYTES + 1),
        ] {
            assert!(text.parse::<Description>().is_err(), "{text:?}");
        }
    }
}
