use tailmint_api::{Audience, ClaimName, Issuer, MAX_CLAIM_RULES, NewIdentityBody, Pattern};

use crate::{Error, IdentityProperties, checks};

impl IdentityProperties {
    /// Rejects what the API would reject, or would let everybody in, before a token is asked
    /// for.
    pub(crate) fn check(&self) -> Result<(), Error> {
        checks::description(&self.description)?;
        checks::scopes(&self.scopes)?;
        checks::tags(&self.tags)?;
        checks::text::<Issuer>("issuer", &self.issuer)?;
        checks::text::<Pattern>("subject", &self.subject)?;
        if let Some(audience) = &self.audience {
            checks::text::<Audience>("audience", audience)?;
        }
        if self.claim_rules.len() > MAX_CLAIM_RULES {
            return Err(Error::invalid_request(
                format!("too many rules about claims: {}", self.claim_rules.len()),
                format!("use at most {MAX_CLAIM_RULES}"),
            ));
        }
        for rule in &self.claim_rules {
            checks::text::<ClaimName>("claim", &rule.claim)?;
            checks::text::<Pattern>("pattern", &rule.pattern)?;
            let same = self.claim_rules.iter().filter(|it| it.claim == rule.claim);
            if same.count() > 1 {
                return Err(Error::invalid_request(
                    "two rules are about the same claim",
                    "leave one of them out",
                ));
            }
        }
        Ok(())
    }
}

impl<'a> From<&'a IdentityProperties> for NewIdentityBody<'a> {
    fn from(properties: &'a IdentityProperties) -> Self {
        let rules = properties.claim_rules.iter();
        Self {
            description: &properties.description,
            scopes: properties.scopes.iter().map(String::as_str).collect(),
            tags: properties.tags.iter().map(String::as_str).collect(),
            issuer: &properties.issuer,
            subject: &properties.subject,
            audience: properties.audience.as_deref(),
            custom_claim_rules: rules.map(|it| (&*it.claim, &*it.pattern)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClaimRule;

    fn usual() -> IdentityProperties {
        IdentityProperties {
            description: "ci".to_owned(),
            scopes: vec!["auth_keys".to_owned()],
            tags: vec!["tag:ci".to_owned()],
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: "repo:acme/web:*".to_owned(),
            audience: None,
            claim_rules: Vec::new(),
        }
    }

    fn rule(claim: &str, pattern: &str) -> ClaimRule {
        ClaimRule {
            claim: claim.to_owned(),
            pattern: pattern.to_owned(),
        }
    }

    fn rejected(change: impl FnOnce(&mut IdentityProperties)) -> String {
        let mut properties = usual();
        change(&mut properties);
        match properties.check() {
            Err(Error::InvalidRequest(problem)) => problem.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_would_let_everybody_in_is_rejected_with_the_member() {
        assert!(usual().check().is_ok());
        for (said, change) in [
            (
                "invalid subject",
                (|it| it.subject = "*".to_owned()) as fn(&mut IdentityProperties),
            ),
            ("invalid issuer", |it| {
                it.issuer = "http://a.example.com".to_owned();
            }),
            ("invalid audience", |it| it.audience = Some(String::new())),
            ("invalid claim", |it| {
                it.claim_rules = vec![rule("sub", "a")];
            }),
            ("invalid pattern", |it| {
                it.claim_rules = vec![rule("ref", "*")];
            }),
            ("two rules are about the same claim", |it| {
                it.claim_rules = vec![rule("ref", "a"), rule("ref", "b")];
            }),
            ("too many rules about claims: 33", |it| {
                it.claim_rules = vec![rule("ref", "a"); MAX_CLAIM_RULES + 1];
            }),
            ("no scopes", |it| it.scopes.clear()),
            (r#"invalid tag "ci""#, |it| it.tags = vec!["ci".to_owned()]),
        ] {
            assert_eq!(rejected(change), said);
        }
    }

    #[test]
    fn the_body_has_the_rules_by_their_claims() {
        let mut properties = usual();
        properties.audience = Some("https://example.com".to_owned());
        properties.claim_rules = vec![rule("ref", "refs/heads/main"), rule("actor_id", "1")];
        let body = serde_json::to_value(NewIdentityBody::from(&properties)).unwrap();
        assert_eq!(body["keyType"], "federated");
        assert_eq!(body["audience"], "https://example.com");
        let rules = body["customClaimRules"].to_string();
        assert_eq!(rules, r#"{"actor_id":"1","ref":"refs/heads/main"}"#);
    }
}
