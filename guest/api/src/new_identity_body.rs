use std::collections::BTreeMap;

use serde::Serialize;

/// The body of a request that creates a federated identity, or replaces what one says
/// (Tailscale's `OpenAPI` document, `createKey` and `setTailnetKey`).
#[derive(Clone, Debug, Default, Serialize)]
#[serde(tag = "keyType", rename = "federated", rename_all = "camelCase")]
pub struct NewIdentityBody<'a> {
    /// What the admin console shows beside it.
    pub description: &'a str,
    /// What it may do. At least one.
    pub scopes: Vec<&'a str>,
    /// The tags that it may give to machines.
    pub tags: Vec<&'a str>,
    /// Who issues the tokens that it takes.
    pub issuer: &'a str,
    /// The subjects whose tokens it takes.
    pub subject: &'a str,
    /// For whom its tokens are issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<&'a str>,
    /// What other claims have to be.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_claim_rules: BTreeMap<&'a str, &'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_is_to_choose_is_left_out() {
        let mut body = NewIdentityBody {
            description: "ci",
            scopes: vec!["auth_keys"],
            tags: vec!["tag:ci"],
            issuer: "https://token.actions.githubusercontent.com",
            subject: "repo:acme/web:*",
            ..NewIdentityBody::default()
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"keyType":"federated","description":"ci","scopes":["auth_keys"],"tags":["tag:ci"],"issuer":"https://token.actions.githubusercontent.com","subject":"repo:acme/web:*"}"#
        );
        body.audience = Some("a");
        body.custom_claim_rules.insert("repository_id", "1");
        assert!(
            serde_json::to_string(&body)
                .unwrap()
                .ends_with(r#","audience":"a","customClaimRules":{"repository_id":"1"}}"#)
        );
    }
}
