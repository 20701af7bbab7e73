use tailmint_api::{
    MAX_DESCRIPTION_BYTES, MAX_SCOPES, NewClientBody, is_description, is_scope, is_tag,
};

use crate::{ClientProperties, Error, key_properties::MAX_TAGS};

impl ClientProperties {
    /// Refuses what the API would refuse, before a token is asked for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !is_description(&self.description) {
            return Err(Error::invalid_request(
                "the description is not one that the API takes",
                &format!("use at most {MAX_DESCRIPTION_BYTES} letters, digits, hyphens and spaces"),
            ));
        }
        check_scopes(&self.scopes)?;
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(|tag| is_tag(tag)) {
            return Err(Error::invalid_request(
                "the tags are not tags",
                &format!(
                    "give at most {MAX_TAGS}, each tag: and a letter, then letters, digits and hyphens"
                ),
            ));
        }
        Ok(())
    }
}

/// Refuses scopes that the server would drop without a word, or none at all.
pub(crate) fn check_scopes(scopes: &[String]) -> Result<(), Error> {
    if (1..=MAX_SCOPES).contains(&scopes.len()) && scopes.iter().all(|scope| is_scope(scope)) {
        return Ok(());
    }
    Err(Error::invalid_request(
        "the scopes are not scopes",
        &format!("give 1 to {MAX_SCOPES}, such as auth_keys or devices:core"),
    ))
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
    fn what_the_api_would_refuse_is_not_sent() {
        assert!(usual().check().is_ok());
        let no_tags = ClientProperties {
            tags: Vec::new(),
            ..usual()
        };
        assert!(no_tags.check().is_ok());
        for scopes in [
            vec![],
            vec!["auth_keys devices".to_owned()],
            vec!["s".to_owned(); MAX_SCOPES + 1],
        ] {
            assert!(ClientProperties { scopes, ..usual() }.check().is_err());
        }
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
