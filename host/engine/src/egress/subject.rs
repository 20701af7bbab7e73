use http::request::Parts;
use tailmint_api::{API_HOST, Effect, Rule};
use tailmint_audit::{Entry, Subject};
use tailmint_core::{Decision, quoted};
use tailmint_policy::Intent;

/// A request of the component, as far as it is written down.
pub(super) struct ComponentRequest<'a> {
    intent: &'a Intent,
    decision: &'a Decision,
    rule: Option<Rule>,
    method: String,
    host: String,
    path: String,
    bytes: usize,
}

impl<'a> ComponentRequest<'a> {
    /// A request that the component made.
    pub(super) fn new(
        intent: &'a Intent,
        decision: &'a Decision,
        rule: Option<Rule>,
        (parts, bytes): (&Parts, usize),
    ) -> Self {
        let words = |text: &str| quoted(text.as_bytes()).trim_matches('"').to_owned();
        Self {
            intent,
            decision,
            rule,
            method: words(parts.method.as_str()),
            host: words(parts.uri.authority().map_or("", |it| it.as_str())),
            path: match rule {
                Some(rule) => rule.route().template().to_owned(),
                None => words(parts.uri.path()),
            },
            bytes,
        }
    }

    /// A request that was not even made, since it would be denied.
    pub(super) fn foreseen(intent: &'a Intent, decision: &'a Decision, rule: Rule) -> Self {
        Self {
            intent,
            decision,
            rule: Some(rule),
            method: rule.route().method().as_str().to_owned(),
            host: API_HOST.to_owned(),
            path: rule.route().template().to_owned(),
            bytes: 0,
        }
    }
}

impl Subject for ComponentRequest<'_> {
    fn operation(&self) -> &'static str {
        self.intent.operation().name()
    }

    fn fill(&self, entry: &mut Entry<'_>) {
        let texts = |values: &[_]| values.iter().map(ToString::to_string).collect();
        entry.decided(self.decision);
        entry.method.clone_from(&self.method);
        entry.changes = self.rule.is_none_or(|rule| rule.effect().is_change());
        let effect = self.intent.rule().effect();
        entry.call_changes = effect.is_change() && effect != Effect::Deletes;
        entry.host.clone_from(&self.host);
        entry.path.clone_from(&self.path);
        entry.request_bytes = self.bytes;
        entry.key = self.intent.id().map(ToString::to_string);
        // The token that comes before says nothing about what is to be created.
        if self.rule == Some(self.intent.rule()) {
            entry.scopes = self
                .intent
                .scopes()
                .iter()
                .map(ToString::to_string)
                .collect();
            entry.tags = texts(self.intent.tags());
            entry.expiry_seconds = self.intent.expiry_seconds();
        }
    }
}
