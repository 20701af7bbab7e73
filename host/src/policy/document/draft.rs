use serde::Deserialize;
use toml::Spanned;

use super::{
    ComponentRules, Document, Mode, Permission, RequestRule, Rules, TrustRules, VERSION,
    VaultRules,
    draft_rule::{DraftRule, or},
};
use crate::{VaultAddress, config::Place};

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
    proxy: Option<Permission>,
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

/// The rules, in the order of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftRules {
    token: DraftRule,
    check_scope: DraftRule,
    create_auth_key: DraftRule,
    create_client: DraftRule,
    get_key: DraftRule,
    list_keys: DraftRule,
    delete_key: DraftRule,
}

impl DraftRules {
    /// Each with the built-in rule that it changes.
    fn with<'a>(&'a self, base: &'a Rules) -> [(&'a DraftRule, &'a RequestRule); 7] {
        [
            (&self.token, &base.token),
            (&self.check_scope, &base.check_scope),
            (&self.create_auth_key, &base.create_auth_key),
            (&self.create_client, &base.create_client),
            (&self.get_key, &base.get_key),
            (&self.list_keys, &base.list_keys),
            (&self.delete_key, &base.delete_key),
        ]
    }
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
        for (given, known) in draft.rule.with(&built_in.rule) {
            if let Some((span, message)) = given.misfit(known) {
                return Err(problem(span, message));
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
                proxy: self.trust.proxy.unwrap_or(base.trust.proxy),
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
                check_scope: self.rule.check_scope.over(&rules.check_scope),
                create_auth_key: self.rule.create_auth_key.over(&rules.create_auth_key),
                create_client: self.rule.create_client.over(&rules.create_client),
                get_key: self.rule.get_key.over(&rules.get_key),
                list_keys: self.rule.list_keys.over(&rules.list_keys),
                delete_key: self.rule.delete_key.over(&rules.delete_key),
            },
        }
    }
}
