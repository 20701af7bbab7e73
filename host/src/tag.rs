use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tailmint_api::{MAX_TAG_NAME_BYTES, is_tag};

/// A tag of a machine, such as `tag:tazpod`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// The tag as text, with its `tag:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        if !text.starts_with("tag:") {
            return Err(TagError::Prefix);
        }
        is_tag(text)
            .then(|| Self(text.to_owned()))
            .ok_or(TagError::Name)
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(text: String) -> Result<Self, TagError> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The name is not one.
    #[error(
        "a tag's name begins with a letter and has at most {MAX_TAG_NAME_BYTES} letters, digits and hyphens"
    )]
    Name,
    /// It does not begin as tags do.
    #[error("a tag begins with tag:, such as tag:tazpod")]
    Prefix,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_tags() {
        for tag in ["tag:tazpod", "tag:k8s-operator", "tag:A1"] {
            assert_eq!(tag.parse::<Tag>().unwrap().as_str(), tag);
        }
    }

    #[test]
    fn refuses_what_is_no_tag() {
        for text in ["", "tazpod", "Tag:a", " tag:a"] {
            assert_eq!(text.parse::<Tag>(), Err(TagError::Prefix), "{text:?}");
        }
        for text in [
            "tag:",
            "tag:1a",
            "tag:-a",
            "tag:a b",
            "tag:a,tag:b",
            "tag:ä",
            "tag:a\n",
        ] {
            assert_eq!(text.parse::<Tag>(), Err(TagError::Name), "{text:?}");
        }
    }
}
