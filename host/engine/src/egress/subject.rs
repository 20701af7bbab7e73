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

#[cfg(test)]
mod tests {
    use tailmint_api::{KeyProperties, Tailnet};
    use tailmint_audit::{Actor, AuditEvent, Context, Verdict};
    use tailmint_core::{Denial, Environment};
    use tailmint_policy::Task;

    use super::*;

    fn context() -> Context {
        Context::new(Actor::from_process(&Environment::default()))
    }

    fn intent(task: Task) -> Intent {
        Intent::new(Tailnet::of_credential(), task)
    }

    fn mint() -> Intent {
        let properties = KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()]);
        intent(Task::Mint { properties })
    }

    fn parts(uri: &str) -> Parts {
        let request = http::Request::post(uri).body(()).unwrap();
        request.into_parts().0
    }

    #[test]
    fn what_is_created_is_written_with_the_request_that_creates_it() {
        let context = context();
        let (intent, decision) = (mint(), Decision::allowed("a rule"));
        let parts = parts("https://api.tailscale.com/api/v2/tailnet/-/keys");
        let filled = |rule| {
            let subject = ComponentRequest::new(&intent, &decision, rule, (&parts, 17));
            assert_eq!(subject.operation(), "mint");
            let mut entry = context.entry("run", AuditEvent::Decision, "mint");
            subject.fill(&mut entry);
            assert_eq!((entry.rule, entry.decision), ("a rule", Verdict::Allow));
            assert_eq!(
                (&*entry.method, &*entry.host),
                ("POST", "api.tailscale.com")
            );
            assert_eq!(entry.request_bytes, 17);
            assert!(entry.call_changes);
            assert_eq!(entry.key, None);
            (
                entry.path,
                entry.changes,
                entry.tags.len(),
                entry.expiry_seconds,
            )
        };
        let keys = "/api/v2/tailnet/{tailnet}/keys".to_owned();
        assert_eq!(
            filled(Some(Rule::CreateAuthKey)),
            (keys, true, 1, Some(3600))
        );
        let token = "/api/v2/oauth/token".to_owned();
        assert_eq!(filled(Some(Rule::Token)), (token, false, 0, None));
        // Until it is known what it does, it is taken for a change.
        let own = "/api/v2/tailnet/-/keys".to_owned();
        assert_eq!(filled(None), (own, true, 0, None));
    }

    #[test]
    fn room_is_kept_for_what_creates_and_not_for_what_deletes_or_reads() {
        let context = context();
        let decision = Decision::allowed("a rule");
        let id = || "k1CNTRL".parse().unwrap();
        for (intent, rule, call_changes) in [
            (mint(), Rule::CreateAuthKey, true),
            (intent(Task::Revoke { id: id() }), Rule::DeleteKey, false),
            (intent(Task::Get { id: id() }), Rule::GetKey, false),
        ] {
            let subject = ComponentRequest::foreseen(&intent, &decision, rule);
            let mut entry = context.entry("run", AuditEvent::Decision, "a");
            subject.fill(&mut entry);
            assert_eq!(entry.call_changes, call_changes, "{rule}");
            assert_eq!(entry.host, API_HOST);
            assert_eq!(entry.path, rule.route().template());
            assert_eq!(entry.method, rule.route().method().as_str());
            assert_eq!(entry.key.is_some(), rule != Rule::CreateAuthKey);
        }
    }

    #[test]
    fn words_of_the_component_are_escaped() {
        let context = context();
        let (intent, denial) = (mint(), Denial::new("host", "it is another"));
        let decision = Decision::denied(Decision::NO_RULE, denial);
        let parts = parts("https://api.tailscale.com/a%1b%22/b\"c");
        let subject = ComponentRequest::new(&intent, &decision, None, (&parts, 0));
        let mut entry = context.entry("run", AuditEvent::Decision, "mint");
        subject.fill(&mut entry);
        assert_eq!(entry.path, "/a%1b%22/b\\\"c");
        assert_eq!(entry.decision, Verdict::Deny);
    }
}
