use tailmint_api::MAX_EXPIRY_SECONDS;

use crate::{Error, KeyProperties, checks};

tailmint_api::key_properties_record!(KeyProperties);

impl KeyProperties {
    /// Rejects what the API would reject, before a token is asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_EXPIRY_SECONDS).contains(&self.expiry_seconds) {
            return Err(Error::invalid_request(
                format!(
                    "an expiry of {} seconds is not allowed",
                    self.expiry_seconds
                ),
                format!("use 1 to {MAX_EXPIRY_SECONDS} seconds (90 days)"),
            ));
        }
        checks::tags(&self.tags)?;
        match &self.description {
            Some(description) => checks::description(description),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tailmint_api::NewKeyBody;

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
            serde_json::to_string(&NewKeyBody::from(usual())).unwrap(),
            r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#
        );
        let described = KeyProperties {
            description: Some("build 7".to_owned()),
            ..usual()
        };
        assert!(
            serde_json::to_string(&NewKeyBody::from(described))
                .unwrap()
                .ends_with(r#","expirySeconds":3600,"description":"build 7"}"#)
        );
    }

    #[test]
    fn takes_the_limits_of_an_expiry_and_nothing_beyond() {
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
    }

    #[test]
    fn tags_and_the_description_are_checked() {
        let tags = vec!["tazpod".to_owned()];
        assert!(KeyProperties { tags, ..usual() }.check().is_err());
        let description = Some("a/b".to_owned());
        assert!(
            KeyProperties {
                description,
                ..usual()
            }
            .check()
            .is_err()
        );
    }
}
