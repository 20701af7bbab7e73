//! The policy as it is written: a typed file, laid over what it does not say.

mod check;
mod draft;
mod draft_rule;
mod narrower;
mod permission;

pub(crate) use draft::{Draft, Problem};
use permission::Property;
pub(crate) use permission::{Mode, Permission};
use serde::{Deserialize, Serialize};

use super::{Operation, Rule};
use crate::{Expiry, Scope, Tag, VaultAddress};

/// A whole policy.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Document {
    pub(crate) version: u32,
    pub(crate) mode: Mode,
    pub(crate) trust: TrustRules,
    pub(crate) component: ComponentRules,
    pub(crate) vault: VaultRules,
    rule: Rules,
}

/// Where requests may go to, and who may vouch for it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TrustRules {
    pub(crate) connect_to: Permission,
    pub(crate) ca_file: Permission,
    pub(crate) proxy: Permission,
}

/// Which component may run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ComponentRules {
    pub(crate) sha256: Vec<String>,
    pub(crate) imports: Vec<String>,
}

/// Where an OAuth client may be pushed to. These requests are the host's own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct VaultRules {
    pub(crate) addresses: Vec<VaultAddress>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rules {
    token: RequestRule,
    check_scope: RequestRule,
    create_auth_key: RequestRule,
    create_client: RequestRule,
    get_key: RequestRule,
    list_keys: RequestRule,
    delete_key: RequestRule,
}

/// What a request of one route may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RequestRule {
    route: String,
    operations: Vec<Operation>,
    count: usize,
    query: Vec<String>,
    headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    max_body_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Scope>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientRule>,
}

/// What a new key may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeyRule {
    types: Vec<String>,
    tags: Vec<Tag>,
    max_expiry: Expiry,
    reusable: Property,
    ephemeral: Property,
    preauthorized: Property,
    max_description_characters: usize,
}

/// What a new OAuth client may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ClientRule {
    scopes: Vec<Scope>,
    tags: Vec<Tag>,
    max_description_characters: usize,
}

/// `built-in.toml` as JSON, which is read faster: every start does.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/built-in.json"));

/// The only version of the format.
const VERSION: u32 = 1;

impl Document {
    /// What the two built-in profiles need.
    pub(crate) fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("the built-in policy is one")
    }

    /// As it is written.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).expect("a policy can be written")
    }

    /// All that it says, for its digest.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a policy can be written")
    }

    fn rule(&self, rule: Rule) -> &RequestRule {
        match rule {
            Rule::CheckScope => &self.rule.check_scope,
            Rule::CreateAuthKey => &self.rule.create_auth_key,
            Rule::CreateClient => &self.rule.create_client,
            Rule::DeleteKey => &self.rule.delete_key,
            Rule::GetKey => &self.rule.get_key,
            Rule::ListKeys => &self.rule.list_keys,
            Rule::Token => &self.rule.token,
        }
    }
}
