use tailmint_core::Decision;

use crate::{Actor, AuditEvent, Entry, Verdict};

/// What all entries of one subject have in common.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who runs this.
    pub actor: Actor,
    /// The SHA-256 of the component that runs; empty for requests of the host's own.
    pub component: String,
    /// The SHA-256 of the policy that decides.
    pub policy: String,
    /// The OAuth client that asks, where one does.
    pub client: Option<String>,
    /// The tailnet that is asked, where one is.
    pub tailnet: Option<String>,
    /// Where connections are made to instead, if the user said so.
    pub connect_to: Option<String>,
    /// The proxy that makes connections, without its password.
    pub proxy: Option<String>,
    /// The file of the authorities that are trusted instead, if the user said so.
    pub ca_file: Option<String>,
    /// The request of another program that the call is for, by the number that it has there.
    pub request: Option<String>,
}

impl Context {
    /// That of requests of this actor of which nothing more is known. What is sent says each
    /// member itself, so that none is forgotten.
    pub fn new(actor: Actor) -> Self {
        Self {
            actor,
            component: String::new(),
            policy: String::new(),
            client: None,
            tailnet: None,
            connect_to: None,
            proxy: None,
            ca_file: None,
            request: None,
        }
    }

    /// An entry about a request that is known so far by its operation.
    pub fn entry<'a>(
        &'a self,
        run: &'a str,
        event: AuditEvent,
        operation: &'static str,
    ) -> Entry<'a> {
        Entry {
            event,
            run,
            request: self.request.as_deref(),
            actor: &self.actor,
            version: env!("CARGO_PKG_VERSION"),
            component: &self.component,
            policy: &self.policy,
            client: self.client.as_deref(),
            tailnet: self.tailnet.as_deref(),
            operation,
            rule: Decision::NO_RULE,
            decision: Verdict::Deny,
            reason: None,
            method: String::new(),
            // Until it is said that the request only reads.
            changes: true,
            // Likewise.
            call_changes: true,
            host: String::new(),
            path: String::new(),
            request_bytes: 0,
            connect_to: self.connect_to.as_deref(),
            proxy: self.proxy.as_deref(),
            ca_file: self.ca_file.as_deref(),
            source: None,
            audience: None,
            issuer: None,
            subject: None,
            expires: None,
            scopes: Vec::new(),
            tags: Vec::new(),
            expiry_seconds: None,
            secrets: Vec::new(),
            status: None,
            response_bytes: None,
            milliseconds: None,
            failure: None,
            outcome_unknown: false,
            key: None,
        }
    }
}
