use super::{ClientRule, Document, KeyRule, RequestRule};
use crate::policy::Rule;

impl Document {
    /// Where this policy allows what the other does not: the name of the first
    /// such member. `None` where it allows nothing more.
    pub(crate) fn wider_than(&self, ceiling: &Self) -> Option<String> {
        let whole = [
            ("mode", self.mode.narrows(ceiling.mode)),
            (
                "trust.connect-to",
                self.trust.connect_to.narrows(ceiling.trust.connect_to),
            ),
            (
                "trust.ca-file",
                self.trust.ca_file.narrows(ceiling.trust.ca_file),
            ),
            ("trust.proxy", self.trust.proxy.narrows(ceiling.trust.proxy)),
            (
                "component.sha256",
                pins(&self.component.sha256, &ceiling.component.sha256),
            ),
            (
                "component.imports",
                within(&self.component.imports, &ceiling.component.imports),
            ),
            (
                "vault.addresses",
                within(&self.vault.addresses, &ceiling.vault.addresses),
            ),
        ];
        if let Some((member, _)) = whole.iter().find(|(_, narrow)| !narrow) {
            return Some((*member).to_owned());
        }
        Rule::ALL.iter().find_map(|&rule| {
            let member = self.rule(rule).wider_than(ceiling.rule(rule))?;
            Some(format!("rule.{}.{member}", rule.name()))
        })
    }
}

impl RequestRule {
    fn wider_than(&self, ceiling: &Self) -> Option<&'static str> {
        let members = [
            ("operations", within(&self.operations, &ceiling.operations)),
            ("count", self.count <= ceiling.count),
            ("query", within(&self.query, &ceiling.query)),
            ("headers", within(&self.headers, &ceiling.headers)),
            ("content-type", self.content_type == ceiling.content_type),
            (
                "max-body-bytes",
                self.max_body_bytes <= ceiling.max_body_bytes,
            ),
            (
                "scopes",
                match (&self.scopes, &ceiling.scopes) {
                    (Some(own), Some(other)) => within(own, other),
                    (own, other) => own == other,
                },
            ),
        ];
        if let Some(member) = first_wide(&members) {
            return Some(member);
        }
        match (&self.key, &ceiling.key, &self.client, &ceiling.client) {
            (Some(own), Some(other), ..) => own.wider_than(other),
            (_, _, Some(own), Some(other)) => own.wider_than(other),
            _ => None,
        }
    }
}

impl ClientRule {
    fn wider_than(&self, ceiling: &Self) -> Option<&'static str> {
        let members = [
            ("client.scopes", within(&self.scopes, &ceiling.scopes)),
            ("client.tags", within(&self.tags, &ceiling.tags)),
            (
                "client.max-description-characters",
                self.max_description_characters <= ceiling.max_description_characters,
            ),
        ];
        first_wide(&members)
    }
}

fn first_wide(members: &[(&'static str, bool)]) -> Option<&'static str> {
    let wide = members.iter().find(|(_, narrow)| !narrow);
    wide.map(|(member, _)| *member)
}

impl KeyRule {
    fn wider_than(&self, ceiling: &Self) -> Option<&'static str> {
        let members = [
            ("key.types", within(&self.types, &ceiling.types)),
            ("key.tags", within(&self.tags, &ceiling.tags)),
            ("key.max-expiry", self.max_expiry <= ceiling.max_expiry),
            ("key.reusable", self.reusable.narrows(ceiling.reusable)),
            ("key.ephemeral", self.ephemeral.narrows(ceiling.ephemeral)),
            (
                "key.preauthorized",
                self.preauthorized.narrows(ceiling.preauthorized),
            ),
            (
                "key.max-description-characters",
                self.max_description_characters <= ceiling.max_description_characters,
            ),
        ];
        first_wide(&members)
    }
}

fn within<T: PartialEq>(own: &[T], other: &[T]) -> bool {
    own.iter().all(|it| other.contains(it))
}

/// No pin is the built-in component: the same, or one of those that are pinned.
fn pins(own: &[String], other: &[String]) -> bool {
    own == other || (!own.is_empty() && within(own, other))
}
