use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dialect::federated_id;

/// A federated identity of the tailnet: it says whose identity tokens are exchanged for
/// access tokens. It has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedIdentity {
    /// Its id, which is sent as `client_id`: the tailnet's part, a hyphen, the key's part.
    pub id: String,
    /// What the admin console shows beside it.
    pub description: String,
    /// Its scopes, all of which its access tokens have.
    pub scopes: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The claim `iss`, and where the issuer's keys are found.
    pub issuer: String,
    /// The pattern of the claim `sub`.
    pub subject: String,
    /// What is in the claim `aud`.
    pub audience: String,
    /// Patterns of other claims, by their names.
    pub custom_claim_rules: BTreeMap<String, String>,
    /// When it was created, in RFC 3339; empty until a simulator has it.
    pub created: String,
    /// When it was replaced last, likewise.
    pub updated: String,
    /// When it was deleted, likewise.
    pub revoked: Option<String>,
    /// Who created it: empty for a trust credential.
    pub user: String,
}

impl FederatedIdentity {
    /// An identity with a random id and the audience that the service gives it, and with no
    /// rules for other claims.
    pub fn new(
        description: &str,
        scopes: &[&str],
        tags: &[&str],
        issuer: &str,
        subject: &str,
    ) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let id = federated_id();
        Self {
            audience: default_audience(&id),
            id,
            description: description.to_owned(),
            scopes: owned(scopes),
            tags: owned(tags),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            custom_claim_rules: BTreeMap::new(),
            created: String::new(),
            updated: String::new(),
            revoked: None,
            user: String::new(),
        }
    }

    /// The same, for identity tokens with this audience.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        audience.clone_into(&mut self.audience);
        self
    }

    /// The same, for identity tokens with a claim of this pattern too.
    #[must_use]
    pub fn with_rule(mut self, claim: &str, pattern: &str) -> Self {
        let rules = &mut self.custom_claim_rules;
        rules.insert(claim.to_owned(), pattern.to_owned());
        self
    }

    /// Whether identity tokens are still exchanged for it.
    pub fn is_live(&self) -> bool {
        self.revoked.is_none()
    }

    /// The identity as the API describes it. There is no `key`.
    pub(crate) fn describe(&self) -> Value {
        let mut described = json!({
            "id": self.id,
            "keyType": "federated",
            "description": self.description,
            "created": self.created,
            "updated": self.updated,
            "scopes": self.scopes,
            "tags": self.tags,
            "audience": self.audience,
            "issuer": self.issuer,
            "subject": self.subject,
            "customClaimRules": self.custom_claim_rules,
            "userId": self.user,
            "invalid": !self.is_live(),
        });
        if let Some(revoked) = &self.revoked {
            described["revoked"] = revoked.as_str().into();
        }
        described
    }
}

/// What the service puts where no audience was given.
pub(crate) fn default_audience(id: &str) -> String {
    format!("api.tailscale.com/{id}")
}
