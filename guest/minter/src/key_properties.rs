use tailmint_api::{MAX_DESCRIPTION_BYTES, MAX_EXPIRY_SECONDS, NewKeyBody, is_description, is_tag};

use crate::{Error, KeyProperties};

/// No tailnet that was seen gives a key more than a handful.
pub(crate) const MAX_TAGS: usize = 32;

impl KeyProperties {
    /// Refuses what the API would refuse, before a token is asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_EXPIRY_SECONDS).contains(&self.expiry_seconds) {
            return Err(Error::invalid_request(
                format!(
                    "an expiry of {} seconds is not allowed",
                    self.expiry_seconds
                ),
                format!("ask for 1 to {MAX_EXPIRY_SECONDS} seconds (90 days)"),
            ));
        }
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(|tag| is_tag(tag)) {
            return Err(Error::invalid_request(
                "the tags are not tags".to_owned(),
                format!(
                    "give at most {MAX_TAGS}, each tag: and a letter, then letters, digits and hyphens"
                ),
            ));
        }
        if !self.description.as_deref().is_none_or(is_description) {
            return Err(Error::invalid_request(
                "the description is not one that the API takes".to_owned(),
                format!("use at most {MAX_DESCRIPTION_BYTES} letters, digits, hyphens and spaces"),
            ));
        }
        Ok(())
    }
}

impl<'a> From<&'a KeyProperties> for NewKeyBody<'a> {
    fn from(properties: &'a KeyProperties) -> Self {
        Self {
            reusable: properties.reusable,
            ephemeral: properties.ephemeral,
            preauthorized: properties.preauthorized,
            tags: properties.tags.iter().map(String::as_str).collect(),
            expiry_seconds: properties.expiry_seconds,
            description: properties.description.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> KeyProperties {
        KeyProperties {
            reusable: true,
            ephemeral: true,
            preauthorized: true,
            tags: vec!["tag:tazpod".to_owned()],
            expiry_seconds: 3600,
            description: None,
        }
    }

    #[test]
    fn the_body_has_the_members_that_the_api_knows_and_no_others() {
        assert_eq!(
            serde_json::to_string(&NewKeyBody::from(&usual())).unwrap(),
            r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#
        );
        let described = KeyProperties {
            description: Some("build 7".to_owned()),
            ..usual()
        };
        assert!(
            serde_json::to_string(&NewKeyBody::from(&described))
                .unwrap()
                .ends_with(r#","expirySeconds":3600,"description":"build 7"}"#)
        );
    }

    #[test]
    fn takes_the_limits_and_refuses_one_beyond() {
        let expiry = |expiry_seconds| {
            KeyProperties {
                expiry_seconds,
                ..usual()
            }
            .check()
        };
        assert!(expiry(0).is_err());
        assert!(expiry(1).is_ok());
        assert!(expiry(MAX_EXPIRY_SECONDS).is_ok());
        assert!(expiry(MAX_EXPIRY_SECONDS + 1).is_err());
        let description = |length| {
            KeyProperties {
                description: Some("d".repeat(length)),
                ..usual()
            }
            .check()
        };
        assert!(description(MAX_DESCRIPTION_BYTES).is_ok());
        assert!(description(MAX_DESCRIPTION_BYTES + 1).is_err());
        let tags = |count| {
            KeyProperties {
                tags: vec!["tag:a".to_owned(); count],
                ..usual()
            }
            .check()
        };
        assert!(tags(MAX_TAGS).is_ok());
        assert!(tags(MAX_TAGS + 1).is_err());
    }

    #[test]
    fn refuses_tags_and_descriptions_of_other_shapes() {
        for tag in [
            "", "tag:", "tazpod", "tag:1a", "tag:a b", "tag:a,b", "Tag:a", "tag:ä",
        ] {
            let properties = KeyProperties {
                tags: vec![tag.to_owned()],
                ..usual()
            };
            assert!(properties.check().is_err(), "{tag:?}");
        }
        for description in ["a/b", "a\nb", "ü", "a;b"] {
            let properties = KeyProperties {
                description: Some(description.to_owned()),
                ..usual()
            };
            assert!(properties.check().is_err(), "{description:?}");
        }
    }
}
