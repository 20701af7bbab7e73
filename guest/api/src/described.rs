use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{KeyCapabilities, Kind, NewKeyBody, list::list, text::one_line};

/// The members of a key of any kind in the API's responses (schema `Key` of its
/// `OpenAPI` document) that are of use here. A component sees these and no others.
/// Control servers other than Tailscale's have numbers for ids.
#[derive(Debug, Deserialize, Serialize)]
pub struct Described {
    id: Id,
    #[serde(default, rename = "keyType", skip_serializing_if = "Option::is_none")]
    key_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default)]
    invalid: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(
        default,
        rename = "expirySeconds",
        skip_serializing_if = "Option::is_none"
    )]
    expiry_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities>,
    #[serde(default, deserialize_with = "list")]
    scopes: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<String>,
    // Of any type: what one identity has that nobody expects is no reason not to describe
    // others, or keys.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    issuer: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    subject: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    audience: Value,
    #[serde(
        default,
        rename = "customClaimRules",
        skip_serializing_if = "Value::is_null"
    )]
    claim_rules: Value,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Id {
    Name(String),
    Number(u64),
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Capabilities {
    devices: Devices,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Devices {
    create: KeyCapabilities<Option<Vec<String>>>,
}

/// The response that describes many.
#[derive(Debug, Deserialize, Serialize)]
pub struct DescribedList {
    /// The keys, of all kinds.
    #[serde(deserialize_with = "list")]
    pub keys: Vec<Described>,
}

/// An auth key as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedKey {
    /// Its id, as the API says it.
    pub id: String,
    /// When it was created, in RFC 3339; empty if the API did not say.
    pub created: String,
    /// When it expires, likewise.
    pub expires: String,
    /// Whether it no longer joins machines.
    pub invalid: bool,
    /// What was granted.
    pub properties: NewKeyBody,
}

/// An OAuth client as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedClient {
    /// Its id, as the API says it.
    pub id: String,
    /// When it was created, in RFC 3339; empty if the API did not say.
    pub created: String,
    /// Whether it was deleted.
    pub invalid: bool,
    /// What the admin console shows beside it.
    pub description: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The tags that it may give to machines.
    pub tags: Vec<String>,
}

/// A federated identity as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedIdentity {
    /// Its id, as the API says it: the `client_id` of the exchange.
    pub id: String,
    /// When it was created, in RFC 3339; empty if the API did not say.
    pub created: String,
    /// Whether it was deleted.
    pub invalid: bool,
    /// What the admin console shows beside it.
    pub description: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The tags that it may give to machines.
    pub tags: Vec<String>,
    /// Who issues the tokens that it takes.
    pub issuer: String,
    /// The subjects whose tokens it takes.
    pub subject: String,
    /// For whom its tokens are issued; empty if the API did not say.
    pub audience: String,
    /// What other claims have to be, by their names.
    pub claim_rules: BTreeMap<String, String>,
}

impl Described {
    /// Its id.
    pub fn id(&self) -> String {
        match &self.id {
            Id::Name(name) => name.clone(),
            Id::Number(number) => number.to_string(),
        }
    }

    /// Whether it is of this kind. What names no kind is an auth key, as in requests.
    pub fn is(&self, kind: Kind) -> bool {
        match &self.key_type {
            Some(key_type) => key_type == kind.key_type(),
            None => kind == Kind::AuthKey,
        }
    }

    /// Its secret, which only something new comes with.
    pub fn take_secret(&mut self) -> Option<String> {
        self.key.take()
    }

    /// What it says of an auth key.
    pub fn into_key(self) -> DescribedKey {
        let id = self.id();
        let create = self.capabilities.unwrap_or_default().devices.create;
        DescribedKey {
            id,
            created: one_line(&self.created.unwrap_or_default()),
            expires: one_line(&self.expires.unwrap_or_default()),
            invalid: self.invalid,
            properties: NewKeyBody {
                capabilities: create.with_tags(|tags| lines(tags.as_deref().unwrap_or_default())),
                expiry_seconds: u32::try_from(self.expiry_seconds.unwrap_or_default())
                    .unwrap_or_default(),
                description: self
                    .description
                    .filter(|it| !it.is_empty())
                    .map(|it| one_line(&it)),
            },
        }
    }

    /// What it says of an OAuth client.
    pub fn into_client(self) -> DescribedClient {
        DescribedClient {
            id: self.id(),
            created: one_line(&self.created.unwrap_or_default()),
            invalid: self.invalid,
            description: one_line(&self.description.unwrap_or_default()),
            scopes: lines(&self.scopes),
            tags: lines(&self.tags),
        }
    }

    /// What it says of a federated identity.
    pub fn into_identity(self) -> DescribedIdentity {
        let text = |text: Option<String>| one_line(&text.unwrap_or_default());
        let rules = match self.claim_rules {
            Value::Object(rules) => rules,
            _ => serde_json::Map::new(),
        };
        DescribedIdentity {
            id: match self.id {
                Id::Name(name) => name,
                Id::Number(number) => number.to_string(),
            },
            created: text(self.created),
            invalid: self.invalid,
            description: text(self.description),
            scopes: lines(&self.scopes),
            tags: lines(&self.tags),
            issuer: shown(&self.issuer),
            subject: shown(&self.subject),
            audience: shown(&self.audience),
            claim_rules: rules
                .iter()
                .map(|(name, pattern)| (one_line(name), shown(pattern)))
                .collect(),
        }
    }
}

/// A text as one line; of another type, the JSON that it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| one_line(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(json: &str) -> Described {
        crate::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_key_is_what_the_api_says_of_it_in_single_lines() {
        let mut key = described(
            r#"{
                "id": "k1CNTRL", "keyType": "auth", "key": "a secret",
                "created": "2026-11-25T12:00:00Z", "expires": "2026-11-25\n", "invalid": true,
                "description": "a\u001b[2Jb", "expirySeconds": 600,
                "capabilities": { "devices": { "create": {
                    "reusable": true, "ephemeral": false, "preauthorized": true,
                    "tags": ["tag:a", "tag:\u0007b"]
                } } }
            }"#,
        );
        assert_eq!(key.id(), "k1CNTRL");
        assert!(key.is(Kind::AuthKey) && !key.is(Kind::OauthClient));
        assert_eq!(key.take_secret().as_deref(), Some("a secret"));
        assert_eq!(key.take_secret(), None);
        let key = key.into_key();
        assert_eq!(key.id, "k1CNTRL");
        assert_eq!(key.created, "2026-11-25T12:00:00Z");
        assert_eq!(key.expires, "2026-11-25");
        assert!(key.invalid);
        let properties = key.properties;
        assert_eq!(properties.expiry_seconds, 600);
        assert_eq!(properties.description.as_deref(), Some("a [2Jb"));
        let can = properties.capabilities;
        assert!(can.reusable && !can.ephemeral && can.preauthorized);
        assert_eq!(can.tags, ["tag:a", "tag: b"]);
    }

    #[test]
    fn what_the_api_leaves_out_is_not_there() {
        let key = described(r#"{"id":17,"description":"","expirySeconds":-1,"scopes":null}"#);
        assert_eq!(key.id(), "17");
        // What names no kind is an auth key.
        assert!(key.is(Kind::AuthKey) && !key.is(Kind::OauthClient));
        let key = key.into_key();
        assert_eq!((&*key.id, &*key.created, &*key.expires), ("17", "", ""));
        assert!(!key.invalid);
        assert_eq!(key.properties.description, None);
        assert_eq!(key.properties.expiry_seconds, 0);
        assert_eq!(key.properties.capabilities.tags, [""; 0]);
    }

    #[test]
    fn a_client_is_what_the_api_says_of_it_in_single_lines() {
        let client = described(
            r#"{
                "id": "kBOOT", "keyType": "client", "created": "2026\t", "invalid": false,
                "description": "a\nb", "scopes": ["devices", "auth_keys\u001b"],
                "tags": ["tag:a\u202e"]
            }"#,
        );
        assert!(client.is(Kind::OauthClient) && !client.is(Kind::AuthKey));
        let expected = DescribedClient {
            id: "kBOOT".to_owned(),
            created: "2026".to_owned(),
            invalid: false,
            description: "a b".to_owned(),
            scopes: vec!["devices".to_owned(), "auth_keys".to_owned()],
            tags: vec!["tag:a".to_owned()],
        };
        assert_eq!(client.into_client(), expected);
        // A kind that nobody knows here is none of these.
        let other = described(r#"{"id":"k","keyType":"federated"}"#);
        assert!(!other.is(Kind::OauthClient) && !other.is(Kind::AuthKey));
    }

    #[test]
    fn a_list_is_of_all_that_it_names() {
        let list: DescribedList = crate::from_json(br#"{"keys":[{"id":"k1"},{"id":2}]}"#).unwrap();
        let ids: Vec<_> = list.keys.iter().map(Described::id).collect();
        assert_eq!(ids, ["k1", "2"]);
        let none: DescribedList = crate::from_json(br#"{"keys":null}"#).unwrap();
        assert!(none.keys.is_empty());
    }
}
