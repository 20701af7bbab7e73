use std::{sync::Arc, time::Duration};

use http::request::Parts;

use super::{Audit, AuditError, AuditEvent, Context, Entry, SecretUse, Verdict};
use crate::{
    KeyId, Operation, Secret,
    egress::Failure,
    policy::{Decision, Errand, Intent, Rule, quoted},
};

/// Writes down what one call of the component leads to, where there is an audit.
pub(crate) struct Journal {
    audit: Option<Arc<dyn Audit>>,
    context: Context,
    run: String,
}

/// A request, as far as it is written down.
pub(crate) struct About {
    operation: Operation,
    rule: &'static str,
    decision: Verdict,
    reason: Option<String>,
    method: String,
    changes: bool,
    host: String,
    path: String,
    request_bytes: usize,
    scopes: Vec<String>,
    tags: Vec<String>,
    expiry_seconds: Option<u32>,
    key: Option<String>,
}

impl About {
    pub(crate) fn of(
        parts: &Parts,
        body: &[u8],
        intent: &Intent,
        decision: &Decision,
        rule: Option<Rule>,
    ) -> Self {
        let words = |text: &str| quoted(text.as_bytes()).trim_matches('"').to_owned();
        // The token that comes before says nothing about what is to be made.
        let asks = rule.is_some_and(|rule| rule != Rule::Token);
        Self {
            operation: intent.operation(),
            rule: decision.rule,
            decision: verdict(decision),
            reason: reason(decision),
            method: words(parts.method.as_str()),
            changes: rule.is_none_or(Rule::changes),
            host: words(parts.uri.authority().map_or("", |it| it.as_str())),
            path: match rule {
                Some(rule) => rule.route().template().to_owned(),
                None => words(parts.uri.path()),
            },
            request_bytes: body.len(),
            scopes: if asks { scopes(intent) } else { Vec::new() },
            tags: if asks { tags(intent) } else { Vec::new() },
            expiry_seconds: expiry_seconds(intent).filter(|_| asks),
            key: intent.id().map(ToString::to_string),
        }
    }
}

impl About {
    /// A request that was not even made, since it would be refused.
    pub(crate) fn foreseen(intent: &Intent, decision: &Decision, rule: Rule) -> Self {
        Self {
            operation: intent.operation(),
            rule: decision.rule,
            decision: verdict(decision),
            reason: reason(decision),
            method: rule.route().method().as_str().to_owned(),
            changes: rule.changes(),
            host: tailmint_api::API_HOST.to_owned(),
            path: rule.route().template().to_owned(),
            request_bytes: 0,
            scopes: scopes(intent),
            tags: tags(intent),
            expiry_seconds: expiry_seconds(intent),
            key: intent.id().map(ToString::to_string),
        }
    }
}

fn scopes(intent: &Intent) -> Vec<String> {
    intent.scopes().iter().map(ToString::to_string).collect()
}

fn tags(intent: &Intent) -> Vec<String> {
    intent.tags().iter().map(ToString::to_string).collect()
}

fn expiry_seconds(intent: &Intent) -> Option<u32> {
    match &intent.errand {
        Errand::Mint { properties } => Some(properties.expiry.as_secs()),
        _ => None,
    }
}

fn verdict(decision: &Decision) -> Verdict {
    match (&decision.refusal, &decision.reported) {
        (Some(_), _) => Verdict::Refuse,
        (None, Some(_)) => Verdict::Report,
        (None, None) => Verdict::Allow,
    }
}

fn reason(decision: &Decision) -> Option<String> {
    let refusal = decision.refusal.as_ref().or(decision.reported.as_ref());
    refusal.map(ToString::to_string)
}

impl Journal {
    pub(crate) fn new(audit: Option<Arc<dyn Audit>>, context: Context, run: String) -> Self {
        Self {
            audit,
            context,
            run,
        }
    }

    /// What stands for these secrets.
    pub(crate) fn secrets(&self, carried: &[(&'static str, &Secret)]) -> Vec<SecretUse> {
        let Some(audit) = &self.audit else {
            return Vec::new();
        };
        let uses = carried.iter().map(|(name, secret)| SecretUse {
            name,
            fingerprint: audit.fingerprint(secret),
        });
        uses.collect()
    }

    /// To be called before the request leaves.
    pub(crate) fn decision(
        &self,
        about: &About,
        secrets: Vec<SecretUse>,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Decision, about, |entry| entry.secrets = secrets)
    }

    pub(crate) fn response(
        &self,
        about: &About,
        status: u16,
        bytes: usize,
        elapsed: Duration,
        issued: Option<&KeyId>,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Response, about, |entry| {
            entry.answered(status, bytes, elapsed);
            if let Some(id) = issued {
                entry.key = Some(id.to_string());
            }
        })
    }

    pub(crate) fn failure(
        &self,
        about: &About,
        failure: &Failure,
        elapsed: Duration,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Failure, about, |entry| {
            entry.failed(failure, elapsed);
        })
    }

    fn append(
        &self,
        event: AuditEvent,
        about: &About,
        add: impl FnOnce(&mut Entry<'_>),
    ) -> Result<(), AuditError> {
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let mut entry = self.context.entry(&self.run, event, about.operation.name());
        entry.rule = about.rule;
        entry.decision = about.decision;
        entry.reason.clone_from(&about.reason);
        entry.method.clone_from(&about.method);
        entry.changes = about.changes;
        entry.host.clone_from(&about.host);
        entry.path.clone_from(&about.path);
        entry.request_bytes = about.request_bytes;
        entry.scopes.clone_from(&about.scopes);
        entry.tags.clone_from(&about.tags);
        entry.expiry_seconds = about.expiry_seconds;
        entry.key.clone_from(&about.key);
        add(&mut entry);
        audit.append(&entry)
    }
}
