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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};

    use super::*;
    use crate::Actor;

    /// Keeps what is written, and has a fingerprint for secrets.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Value>>);

    impl Audit for Kept {
        fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
            self.0.lock().unwrap().push(json!(entry));
            Ok(())
        }

        fn fingerprint(&self, secret: &Secret) -> Option<String> {
            Some(format!("{} bytes", secret.expose_secret().len()))
        }
    }

    /// Writes nothing.
    struct Full;

    impl Audit for Full {
        fn append(&self, _entry: &Entry<'_>) -> Result<(), AuditError> {
            Err(AuditError::new("nowhere", "there is no room"))
        }
    }

    struct Get;

    impl Subject for Get {
        fn operation(&self) -> &'static str {
            "get"
        }

        fn fill(&self, entry: &mut Entry<'_>) {
            "/keys".clone_into(&mut entry.path);
        }
    }

    fn context() -> Context {
        Context::new(Actor {
            uid: 1000,
            user: None,
            pid: 1,
        })
    }

    #[test]
    fn all_that_one_call_leads_to_is_written_under_one_number() {
        let kept = Arc::new(Kept::default());
        let journal = Journal::new(Some(kept.clone()), context()).unwrap();
        let secret = Secret::new("secret".to_owned());
        let late = Failure::ResponseTimeout {
            limit: Duration::from_secs(30),
        };
        let id: KeyId = "k1CNTRL".parse().unwrap();
        let second = Duration::from_secs(1);
        journal.decision(&Get, &[("bearer", &secret)]).unwrap();
        journal.response(&Get, 200, 17, second, Some(&id)).unwrap();
        journal.response(&Get, 404, 0, second, None).unwrap();
        journal.failure(&Get, &late, second).unwrap();
        let with = [("id-token", &secret)];
        journal.response_with(&Get, 200, 3, second, &with).unwrap();
        let entries = kept.0.lock().unwrap();
        let run = entries[0]["run"].as_str().unwrap();
        assert_eq!(run.len(), 16);
        for entry in &*entries {
            let same = [&entry["run"], &entry["operation"], &entry["path"]];
            assert_eq!(same, [run, "get", "/keys"], "{entry}");
        }
        let events: Vec<_> = entries.iter().map(|it| it["event"].as_str()).collect();
        let expected = ["decision", "response", "response", "failure", "response"];
        assert_eq!(events, expected.map(Some));
        let uses = json!([{ "name": "bearer", "fingerprint": "6 bytes" }]);
        assert_eq!(entries[0]["secrets"], uses);
        assert_eq!(entries[1]["status"], 200);
        assert_eq!(entries[1]["response_bytes"], 17);
        assert_eq!(entries[1]["key"], "k1CNTRL");
        assert_eq!(entries[2]["key"], Value::Null);
        assert_eq!(entries[3]["failure"], late.to_string());
        assert_eq!(entries[3]["milliseconds"], 1000);
        let uses = json!([{ "name": "id-token", "fingerprint": "6 bytes" }]);
        assert_eq!(entries[4]["secrets"], uses);
        assert_eq!(entries[4]["response_bytes"], 3);
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_no_audit_is_none() {
        let late = Failure::ResponseTimeout {
            limit: Duration::from_secs(30),
        };
        let at_once = Duration::ZERO;
        let full = Journal::new(Some(Arc::new(Full)), context()).unwrap();
        assert!(full.decision(&Get, &[]).is_err());
        assert!(full.response(&Get, 200, 0, at_once, None).is_err());
        assert!(full.failure(&Get, &late, at_once).is_err());
        assert!(full.response_with(&Get, 200, 0, at_once, &[]).is_err());
        let without = Journal::new(None, context()).unwrap();
        assert!(without.decision(&Get, &[]).is_ok());
    }
}
