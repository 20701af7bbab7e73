use serde::Deserialize;
use toml::Spanned;

use super::{
    ComponentRules, Document, KeyRule, Mode, Permission, Property, RequestRule, Rules, TrustRules,
    VERSION, VaultRules,
};
use crate::{Expiry, Tag, VaultAddress, config::Place, policy::Operation};

/// A policy file: what it does not say stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Draft {
    version: Spanned<i64>,
    mode: Option<Mode>,
    #[serde(default)]
    trust: DraftTrust,
    #[serde(default)]
    component: DraftComponent,
    #[serde(default)]
    vault: DraftVault,
    #[serde(default)]
    rule: DraftRules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DraftTrust {
    connect_to: Option<Permission>,
    ca_file: Option<Permission>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DraftComponent {
    sha256: Option<Vec<Spanned<String>>>,
    imports: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DraftVault {
    addresses: Option<Vec<VaultAddress>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftRules {
    token: DraftToken,
    create_auth_key: DraftCreate,
    get_key: DraftPlain,
    delete_key: DraftPlain,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftPlain {
    route: Option<Spanned<String>>,
    operations: Option<Vec<Operation>>,
    count: Option<u32>,
    query: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    max_body_bytes: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftToken {
    route: Option<Spanned<String>>,
    operations: Option<Vec<Operation>>,
    count: Option<u32>,
    query: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    content_type: Option<String>,
    max_body_bytes: Option<usize>,
    scopes: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftCreate {
    route: Option<Spanned<String>>,
    operations: Option<Vec<Operation>>,
    count: Option<u32>,
    query: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    content_type: Option<String>,
    max_body_bytes: Option<usize>,
    key: DraftKey,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftKey {
    types: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
    max_expiry: Option<Expiry>,
    reusable: Option<Property>,
    ephemeral: Option<Property>,
    preauthorized: Option<Property>,
    max_description_characters: Option<usize>,
}

/// What is wrong with a policy file, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) message: String,
}

impl Draft {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let draft: Self = toml::from_str(text).map_err(|error| Problem {
            place: Place::of(text, error.span()),
            message: tailmint_api::one_line(error.message()),
        })?;
        let problem = |span, message: String| Problem {
            place: Place::of(text, Some(span)),
            message,
        };
        if *draft.version.get_ref() != i64::from(VERSION) {
            let message = format!(
                "version {} is not known; this is {VERSION}",
                draft.version.get_ref()
            );
            return Err(problem(draft.version.span(), message));
        }
        let built_in = Document::built_in();
        let rules = &draft.rule;
        for (given, known) in [
            (&rules.token.route, &built_in.rule.token),
            (&rules.create_auth_key.route, &built_in.rule.create_auth_key),
            (&rules.get_key.route, &built_in.rule.get_key),
            (&rules.delete_key.route, &built_in.rule.delete_key),
        ] {
            if let Some(given) = given
                && *given.get_ref() != known.route
            {
                let message = format!("the route of this rule is {:?}, and no other", known.route);
                return Err(problem(given.span(), message));
            }
        }
        for digest in draft.component.sha256.iter().flatten() {
            let text = digest.get_ref();
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if text.len() != 64 || !text.bytes().all(is_hex) {
                let message = "a digest has 64 hexadecimal digits, in lower case".to_owned();
                return Err(problem(digest.span(), message));
            }
        }
        Ok(draft)
    }

    /// The whole policy: what the draft says, and what `base` says where it does
    /// not.
    pub(crate) fn over(self, base: &Document) -> Document {
        let rules = &base.rule;
        Document {
            version: VERSION,
            mode: self.mode.unwrap_or(base.mode),
            trust: TrustRules {
                connect_to: self.trust.connect_to.unwrap_or(base.trust.connect_to),
                ca_file: self.trust.ca_file.unwrap_or(base.trust.ca_file),
            },
            component: ComponentRules {
                sha256: match self.component.sha256 {
                    Some(digests) => digests.into_iter().map(Spanned::into_inner).collect(),
                    None => base.component.sha256.clone(),
                },
                imports: or(self.component.imports, &base.component.imports),
            },
            vault: VaultRules {
                addresses: or(self.vault.addresses, &base.vault.addresses),
            },
            rule: Rules {
                token: self.rule.token.over(&rules.token),
                create_auth_key: self.rule.create_auth_key.over(&rules.create_auth_key),
                get_key: self.rule.get_key.over(&rules.get_key),
                delete_key: self.rule.delete_key.over(&rules.delete_key),
            },
        }
    }
}

fn or<T: Clone>(given: Option<T>, base: &T) -> T {
    given.unwrap_or_else(|| base.clone())
}

impl DraftPlain {
    fn over(self, base: &RequestRule) -> RequestRule {
        RequestRule {
            route: base.route.clone(),
            operations: or(self.operations, &base.operations),
            count: or(self.count, &base.count),
            query: or(self.query, &base.query),
            headers: or(self.headers, &base.headers),
            content_type: base.content_type.clone(),
            max_body_bytes: or(self.max_body_bytes, &base.max_body_bytes),
            scopes: base.scopes.clone(),
            key: base.key.clone(),
        }
    }
}

impl DraftToken {
    fn over(self, base: &RequestRule) -> RequestRule {
        let plain = DraftPlain {
            route: self.route,
            operations: self.operations,
            count: self.count,
            query: self.query,
            headers: self.headers,
            max_body_bytes: self.max_body_bytes,
        };
        RequestRule {
            content_type: self.content_type.or_else(|| base.content_type.clone()),
            scopes: self.scopes.or_else(|| base.scopes.clone()),
            ..plain.over(base)
        }
    }
}

impl DraftCreate {
    fn over(self, base: &RequestRule) -> RequestRule {
        let plain = DraftPlain {
            route: self.route,
            operations: self.operations,
            count: self.count,
            query: self.query,
            headers: self.headers,
            max_body_bytes: self.max_body_bytes,
        };
        RequestRule {
            content_type: self.content_type.or_else(|| base.content_type.clone()),
            key: base.key.as_ref().map(|key| self.key.over(key)),
            ..plain.over(base)
        }
    }
}

impl DraftKey {
    fn over(self, base: &KeyRule) -> KeyRule {
        KeyRule {
            types: or(self.types, &base.types),
            tags: or(self.tags, &base.tags),
            max_expiry: or(self.max_expiry, &base.max_expiry),
            reusable: or(self.reusable, &base.reusable),
            ephemeral: or(self.ephemeral, &base.ephemeral),
            preauthorized: or(self.preauthorized, &base.preauthorized),
            max_description_characters: or(
                self.max_description_characters,
                &base.max_description_characters,
            ),
        }
    }
}
