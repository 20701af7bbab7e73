use std::{sync::Arc, time::Duration};

use http::Method;

use crate::{
    audit::{Actor, Audit, AuditError, AuditEvent, Context, Entry, SecretUse, Verdict},
    egress::Failure,
    policy::Refusal,
    secret::Secret,
};

/// Writes down what one push leads to.
pub(super) struct Journal {
    audit: Arc<dyn Audit>,
    context: Context,
    run: String,
    host: String,
}

/// A request, as far as it is written down.
pub(super) struct About<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) request_bytes: usize,
}

const OPERATION: &str = "vault-push";

/// The rule that decides about these requests.
pub(super) const RULE: &str = "vault";

impl Journal {
    pub(super) fn new(
        audit: Arc<dyn Audit>,
        actor: Actor,
        policy: String,
        ca_file: Option<String>,
        host: String,
    ) -> Result<Self, getrandom::Error> {
        let mut run = [0; 8];
        getrandom::fill(&mut run)?;
        Ok(Self {
            audit,
            context: Context {
                // No proxy is used.
                proxy: None,
                actor,
                // None is in it.
                component: String::new(),
                policy,
                connect_to: None,
                ca_file,
            },
            run: format!("{:016x}", u64::from_be_bytes(run)),
            host,
        })
    }

    /// To be called before the request leaves.
    pub(super) fn allowed(
        &self,
        about: &About<'_>,
        secrets: &[(&'static str, &Secret)],
    ) -> Result<(), AuditError> {
        let uses = secrets.iter().map(|(name, secret)| SecretUse {
            name,
            fingerprint: self.audit.fingerprint(secret),
        });
        let uses = uses.collect();
        self.append(AuditEvent::Decision, about, |entry| entry.secrets = uses)
    }

    pub(super) fn refused(&self, about: &About<'_>, refusal: &Refusal) -> Result<(), AuditError> {
        self.append(AuditEvent::Decision, about, |entry| {
            entry.decision = Verdict::Refuse;
            entry.reason = Some(refusal.to_string());
        })
    }

    pub(super) fn answered(
        &self,
        about: &About<'_>,
        status: u16,
        bytes: usize,
        elapsed: Duration,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Response, about, |entry| {
            entry.answered(status, bytes, elapsed);
        })
    }

    pub(super) fn failed(
        &self,
        about: &About<'_>,
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
        about: &About<'_>,
        add: impl FnOnce(&mut Entry<'_>),
    ) -> Result<(), AuditError> {
        let mut entry = self.context.entry(&self.run, event, OPERATION);
        entry.rule = RULE;
        entry.decision = Verdict::Allow;
        about.method.as_str().clone_into(&mut entry.method);
        entry.changes = *about.method != Method::GET;
        entry.host.clone_from(&self.host);
        about.path.clone_into(&mut entry.path);
        entry.request_bytes = about.request_bytes;
        add(&mut entry);
        self.audit.append(&entry)
    }
}
