use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{ClientRule, KeyRule, Property, RequestRule};
use crate::{Expiry, Scope, Tag, policy::Operation};

/// A rule of a policy file: what it does not say stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct DraftRule {
    route: Option<Spanned<String>>,
    operations: Option<Vec<Operation>>,
    count: Option<usize>,
    query: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    content_type: Option<Spanned<String>>,
    max_body_bytes: Option<usize>,
    scopes: Option<Spanned<Vec<Scope>>>,
    key: Option<Spanned<DraftKey>>,
    client: Option<Spanned<DraftClient>>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DraftClient {
    scopes: Option<Vec<Scope>>,
    tags: Option<Vec<Tag>>,
    max_description_characters: Option<usize>,
}

impl DraftRule {
    /// What the rule cannot have, and where it stands: another route than its own,
    /// or a member that requests of this route do not have.
    pub(super) fn misfit(&self, known: &RequestRule) -> Option<(Range<usize>, String)> {
        if let Some(route) = &self.route
            && *route.get_ref() != known.route
        {
            let message = format!("the route of this rule is {:?}, and no other", known.route);
            return Some((route.span(), message));
        }
        let members = [
            (
                "content-type",
                span(self.content_type.as_ref()),
                known.content_type.is_some(),
            ),
            ("scopes", span(self.scopes.as_ref()), known.scopes.is_some()),
            ("key", span(self.key.as_ref()), known.key.is_some()),
            ("client", span(self.client.as_ref()), known.client.is_some()),
        ];
        members.into_iter().find_map(|(name, span, has)| {
            let span = span.filter(|_| !has)?;
            Some((span, format!("this rule has no member `{name}`")))
        })
    }

    pub(super) fn over(self, base: &RequestRule) -> RequestRule {
        let content_type = self.content_type.map(Spanned::into_inner);
        let scopes = self.scopes.map(Spanned::into_inner);
        let key = self.key.map(Spanned::into_inner).unwrap_or_default();
        let client = self.client.map(Spanned::into_inner).unwrap_or_default();
        RequestRule {
            route: base.route.clone(),
            operations: or(self.operations, &base.operations),
            count: or(self.count, &base.count),
            query: or(self.query, &base.query),
            headers: or(self.headers, &base.headers),
            content_type: content_type.or_else(|| base.content_type.clone()),
            max_body_bytes: or(self.max_body_bytes, &base.max_body_bytes),
            scopes: scopes.or_else(|| base.scopes.clone()),
            key: base.key.as_ref().map(|base| key.over(base)),
            client: base.client.as_ref().map(|base| client.over(base)),
        }
    }
}

fn span<T>(member: Option<&Spanned<T>>) -> Option<Range<usize>> {
    member.map(Spanned::span)
}

pub(super) fn or<T: Clone>(given: Option<T>, base: &T) -> T {
    given.unwrap_or_else(|| base.clone())
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

impl DraftClient {
    fn over(self, base: &ClientRule) -> ClientRule {
        ClientRule {
            scopes: or(self.scopes, &base.scopes),
            tags: or(self.tags, &base.tags),
            max_description_characters: or(
                self.max_description_characters,
                &base.max_description_characters,
            ),
        }
    }
}
