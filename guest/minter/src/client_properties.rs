use tailmint_api::NewClientBody;

use crate::{ClientProperties, Error, checks};

impl ClientProperties {
    /// Rejects what the API would reject, before a token is asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        checks::description(&self.description)?;
        checks::scopes(&self.scopes)?;
        checks::tags(&self.tags)
    }
}

impl<'a> From<&'a ClientProperties> for NewClientBody<'a> {
    fn from(properties: &'a ClientProperties) -> Self {
        Self::new(
            &properties.description,
            properties.scopes.iter().map(String::as_str).collect(),
            properties.tags.iter().map(String::as_str).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> ClientProperties {
        ClientProperties {
            description: "tazlab-bootstrap".to_owned(),
            scopes: vec!["auth_keys".to_owned(), "devices".to_owned()],
            tags: vec!["tag:tazpod".to_owned()],
        }
    }

    #[test]
    fn the_body_has_all_members_always() {
        assert_eq!(
            serde_json::to_string(&NewClientBody::from(&usual())).unwrap(),
            r#"{"keyType":"client","description":"tazlab-bootstrap","scopes":["auth_keys","devices"],"tags":["tag:tazpod"]}"#
        );
    }

    #[test]
    fn description_scopes_and_tags_are_checked() {
        assert!(usual().check().is_ok());
        let no_tags = ClientProperties {
            tags: Vec::new(),
            ..usual()
        };
        assert!(no_tags.check().is_ok());
        let scopes = Vec::new();
        assert!(ClientProperties { scopes, ..usual() }.check().is_err());
        let tags = vec!["tazpod".to_owned()];
        assert!(ClientProperties { tags, ..usual() }.check().is_err());
        let description = "a_b".to_owned();
        assert!(
            ClientProperties {
                description,
                ..usual()
            }
            .check()
            .is_err()
        );
    }
}
