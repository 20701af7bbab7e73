use crate::{MAX_TAG_NAME_BYTES, is_tag, text_type};

text_type! {
    /// A tag of a device, such as `tag:tazpod`.
    Tag, TagError, |text| {
        if !text.starts_with("tag:") {
            return Err(TagError::Prefix);
        }
        is_tag(text).then_some(()).ok_or(TagError::Name)
    }
}

/// Why a text is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The name has another shape.
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
