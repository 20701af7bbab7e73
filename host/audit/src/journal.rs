use std::{sync::Arc, time::Duration};

use tailmint_api::KeyId;
use tailmint_core::{Failure, Secret};

use crate::{Audit, AuditError, AuditEvent, Context, Entry, SecretUse};

/// A request, as far as it is written down.
pub trait Subject {
    /// What it is for.
    fn operation(&self) -> &'static str;

    /// Says in the entry what is known of the request before it is sent.
    fn fill(&self, entry: &mut Entry<'_>);
}

/// Writes down what one call leads to, where there is an audit log.
pub struct Journal {
    audit: Option<Arc<dyn Audit>>,
    context: Context,
    run: String,
}

impl Journal {
    /// A journal under a random number of its own.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn new(audit: Option<Arc<dyn Audit>>, context: Context) -> Result<Self, getrandom::Error> {
        let mut run = [0; 8];
        getrandom::fill(&mut run)?;
        Ok(Self {
            audit,
            context,
            run: format!("{:016x}", u64::from_be_bytes(run)),
        })
    }

    /// Writes down what was decided about the request, with the secrets that it carries.
    /// Call it before the request is sent.
    ///
    /// # Errors
    /// It could not be written: the request must not be sent.
    pub fn decision(
        &self,
        subject: &impl Subject,
        secrets: &[(&'static str, &Secret)],
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Decision, subject, |audit, entry| {
            entry.secrets = uses(audit, secrets);
        })
    }

    /// Writes down what came back, and the id of what the API created.
    ///
    /// # Errors
    /// It could not be written: the response must not be used.
    pub fn response(
        &self,
        subject: &impl Subject,
        status: u16,
        bytes: usize,
        elapsed: Duration,
        created: Option<&KeyId>,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Response, subject, |_, entry| {
            entry.responded(status, bytes, elapsed);
            if let Some(id) = created {
                entry.key = Some(id.to_string());
            }
        })
    }

    /// Writes down what came back with these secrets.
    ///
    /// # Errors
    /// It could not be written: the response must not be used.
    pub fn response_with(
        &self,
        subject: &impl Subject,
        status: u16,
        bytes: usize,
        elapsed: Duration,
        secrets: &[(&'static str, &Secret)],
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Response, subject, |audit, entry| {
            entry.responded(status, bytes, elapsed);
            entry.secrets = uses(audit, secrets);
        })
    }

    /// Writes down why nothing came back.
    ///
    /// # Errors
    /// It could not be written.
    pub fn failure(
        &self,
        subject: &impl Subject,
        failure: &Failure,
        elapsed: Duration,
    ) -> Result<(), AuditError> {
        self.append(AuditEvent::Failure, subject, |_, entry| {
            entry.failed(failure, elapsed);
        })
    }

    fn append(
        &self,
        event: AuditEvent,
        subject: &impl Subject,
        add: impl FnOnce(&dyn Audit, &mut Entry<'_>),
    ) -> Result<(), AuditError> {
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let operation = subject.operation();
        let mut entry = self.context.entry(&self.run, event, operation);
        subject.fill(&mut entry);
        add(&**audit, &mut entry);
        audit.append(&entry)
    }
}

fn uses(audit: &dyn Audit, secrets: &[(&'static str, &Secret)]) -> Vec<SecretUse> {
    let uses = secrets.iter().map(|(name, secret)| SecretUse {
        name,
        fingerprint: audit.fingerprint(secret),
    });
    uses.collect()
}
