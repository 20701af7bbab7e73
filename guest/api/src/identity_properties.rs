use std::collections::BTreeMap;

use crate::{Audience, ClaimName, Description, Issuer, NewIdentityBody, Pattern, Scope, Tag};

/// What a federated identity is for, who may use it, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProperties {
    /// What the admin console shows beside it.
    pub description: Description,
    /// Its scopes. Every access token has all of them.
    pub scopes: Vec<Scope>,
    /// The tags that it may give to devices. At least one with the scope `auth_keys`.
    pub tags: Vec<Tag>,
    /// Who issues the tokens that it takes.
    pub issuer: Issuer,
    /// The subjects whose tokens it takes.
    pub subject: Pattern,
    /// For whom its tokens are issued; `None` for the audience that the API gives it.
    pub audience: Option<Audience>,
    /// What other claims have to be.
    pub claim_rules: BTreeMap<ClaimName, Pattern>,
}

impl IdentityProperties {
    /// The body of the request that creates such an identity, or changes one into it.
    pub fn body(&self) -> NewIdentityBody<'_> {
        let rules = self.claim_rules.iter();
        NewIdentityBody {
            description: self.description.as_str(),
            scopes: self.scopes.iter().map(Scope::as_str).collect(),
            tags: self.tags.iter().map(Tag::as_str).collect(),
            issuer: self.issuer.as_str(),
            subject: self.subject.as_str(),
            audience: self.audience.as_ref().map(Audience::as_str),
            custom_claim_rules: rules
                .map(|(name, it)| (name.as_str(), it.as_str()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_says_what_the_properties_say() {
        let properties = IdentityProperties {
            description: "lab".parse().unwrap(),
            scopes: vec!["auth_keys".parse().unwrap()],
            tags: vec!["tag:lab".parse().unwrap()],
            issuer: "https://issuer.example.com".parse().unwrap(),
            subject: "repo:acme/web:*".parse().unwrap(),
            audience: None,
            claim_rules: BTreeMap::from([("ref".parse().unwrap(), "main".parse().unwrap())]),
        };
        let body = json!(properties.body());
        assert_eq!(body["description"], "lab");
        assert_eq!(body["scopes"], json!(["auth_keys"]));
        assert_eq!(body["tags"], json!(["tag:lab"]));
        assert_eq!(body["issuer"], "https://issuer.example.com");
        assert_eq!(body["subject"], "repo:acme/web:*");
        assert_eq!(body["customClaimRules"], json!({ "ref": "main" }));
        assert_eq!(body.get("audience"), None);
    }
}
