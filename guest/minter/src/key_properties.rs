use serde::Serialize;

use crate::{Error, Problem};

/// What an auth key is to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyProperties {
    /// It joins more than one machine.
    pub reusable: bool,
    /// Its machines go when they are offline.
    pub ephemeral: bool,
    /// Its machines need no approval.
    pub preauthorized: bool,
    /// What its machines are tagged with.
    pub tags: Vec<String>,
    /// How long it joins machines, in seconds.
    pub expiry_seconds: u32,
    /// What the admin console shows beside it.
    pub description: Option<String>,
}

/// 90 days, the API's own limit: above it, it answers 400 (tailscale/tailscale #18081).
const MAX_EXPIRY_SECONDS: u32 = 7_776_000;

/// The API's own limit (Terraform's provider checks the same).
const MAX_DESCRIPTION_CHARACTERS: usize = 50;

/// A tag longer than this would not fit a DNS label, which names keep to.
const MAX_TAG_BYTES: usize = "tag:".len() + 63;

/// No tailnet that was seen gives a key more than a handful.
const MAX_TAGS: usize = 32;

impl KeyProperties {
    /// Refuses what the API would refuse, before a token is asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=MAX_EXPIRY_SECONDS).contains(&self.expiry_seconds) {
            return Err(invalid(
                format!(
                    "an expiry of {} seconds is not allowed",
                    self.expiry_seconds
                ),
                format!("ask for 1 to {MAX_EXPIRY_SECONDS} seconds (90 days)"),
            ));
        }
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(|tag| is_tag(tag)) {
            return Err(invalid(
                "the tags are not tags".to_owned(),
                format!(
                    "give at most {MAX_TAGS}, each tag: and a letter, then letters, digits and hyphens"
                ),
            ));
        }
        if !self.description.as_deref().is_none_or(is_description) {
            return Err(invalid(
                "the description is not one that the API takes".to_owned(),
                format!(
                    "use at most {MAX_DESCRIPTION_CHARACTERS} letters, digits, hyphens and spaces"
                ),
            ));
        }
        Ok(())
    }
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= MAX_TAG_BYTES
        && tag.strip_prefix("tag:").is_some_and(|name| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn is_description(description: &str) -> bool {
    description.len() <= MAX_DESCRIPTION_CHARACTERS
        && description
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b' ')
}

fn invalid(message: String, hint: String) -> Error {
    Error::InvalidRequest(Problem {
        message,
        hint,
        status: None,
    })
}

/// The body of `POST /api/v2/tailnet/{tailnet}/keys`. The API refuses members
/// that it does not know (tailscale/tailscale #7145), so there are no others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateKey<'a> {
    capabilities: Capabilities<'a>,
    expiry_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Capabilities<'a> {
    devices: Devices<'a>,
}

#[derive(Serialize)]
struct Devices<'a> {
    create: Create<'a>,
}

#[derive(Serialize)]
struct Create<'a> {
    reusable: bool,
    ephemeral: bool,
    preauthorized: bool,
    tags: &'a [String],
}

impl<'a> From<&'a KeyProperties> for CreateKey<'a> {
    fn from(properties: &'a KeyProperties) -> Self {
        Self {
            capabilities: Capabilities {
                devices: Devices {
                    create: Create {
                        reusable: properties.reusable,
                        ephemeral: properties.ephemeral,
                        preauthorized: properties.preauthorized,
                        tags: &properties.tags,
                    },
                },
            },
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
            serde_json::to_string(&CreateKey::from(&usual())).unwrap(),
            r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#
        );
        let described = KeyProperties {
            description: Some("build 7".to_owned()),
            ..usual()
        };
        assert!(
            serde_json::to_string(&CreateKey::from(&described))
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
        assert!(description(MAX_DESCRIPTION_CHARACTERS).is_ok());
        assert!(description(MAX_DESCRIPTION_CHARACTERS + 1).is_err());
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
