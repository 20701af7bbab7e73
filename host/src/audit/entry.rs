use std::time::Duration;

use serde::Serialize;

use super::Actor;
use crate::egress::Failure;

/// What is written down about a request. No entry holds a secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// What the entry is about.
    pub event: AuditEvent,
    /// Joins the entries of one call.
    pub run: &'a str,
    /// Who runs this.
    pub actor: &'a Actor,
    /// The version of tailmint.
    pub version: &'static str,
    /// The SHA-256 of the component that runs; empty for a request of the host's own.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub component: &'a str,
    /// The SHA-256 of the policy that decides.
    pub policy: &'a str,
    /// What the component was called for.
    pub operation: &'static str,
    /// The rule that decided.
    pub rule: &'static str,
    /// What it decided.
    pub decision: Verdict,
    /// Why the request is refused, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request's method.
    pub method: String,
    /// Whether the request makes, changes or ends something. Not written, since the
    /// method and the path say it.
    #[serde(skip)]
    pub changes: bool,
    /// The host that the request is for.
    pub host: String,
    /// The template of the path, where a rule matched; the path itself elsewhere.
    pub path: String,
    /// The size of the request's body.
    pub request_bytes: usize,
    /// Where the connection is made to instead, if the user said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_to: Option<&'a str>,
    /// The proxy that makes the connection, without what it is told about the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<&'a str>,
    /// The file of the authorities that are trusted instead, if the user said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<&'a str>,
    /// The scopes of the OAuth client that is asked for, or that are asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The tags of the key or the client that is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How many seconds the key that is asked for is to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_seconds: Option<u32>,
    /// The secrets that the request carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretUse>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The size of the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<usize>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// Why no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether the request may have done all the same what it was for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outcome_unknown: bool,
    /// The id of the key or the OAuth client that the request is about, or that the
    /// answer has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Entry<'_> {
    /// What came back.
    pub(crate) fn answered(&mut self, status: u16, bytes: usize, elapsed: Duration) {
        self.status = Some(status);
        self.response_bytes = Some(bytes);
        self.milliseconds = Some(milliseconds(elapsed));
    }

    /// Why nothing came back.
    pub(crate) fn failed(&mut self, failure: &Failure, elapsed: Duration) {
        self.failure = Some(failure.to_string());
        self.outcome_unknown = failure.may_have_arrived();
        self.milliseconds = Some(milliseconds(elapsed));
    }

    /// Whether it has to be on disk before the request leaves: the request makes,
    /// changes or ends something, or is one that somebody tried and may not send.
    pub(super) fn must_last(&self) -> bool {
        let tried = self.decision != Verdict::Allow;
        self.event == AuditEvent::Decision && (self.changes || tried)
    }
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// The policy decided. If it allows the request, the request leaves next.
    Decision,
    /// An answer came.
    Response,
    /// No answer came.
    Failure,
}

/// What the policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The request may leave.
    Allow,
    /// It would be refused; the policy only reports.
    Report,
    /// It does not leave.
    Refuse,
}

/// A secret that a request carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SecretUse {
    /// What it is.
    pub name: &'static str,
    /// What stands for it, see [`Audit::fingerprint`](super::Audit::fingerprint).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What all entries of one minter have in common.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) actor: Actor,
    pub(crate) component: String,
    pub(crate) policy: String,
    pub(crate) connect_to: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_file: Option<String>,
}

impl Context {
    /// An entry about a request that is known so far by its operation.
    pub(crate) fn entry<'a>(
        &'a self,
        run: &'a str,
        event: AuditEvent,
        operation: &'static str,
    ) -> Entry<'a> {
        Entry {
            event,
            run,
            actor: &self.actor,
            version: env!("CARGO_PKG_VERSION"),
            component: &self.component,
            policy: &self.policy,
            operation,
            rule: "no-rule",
            decision: Verdict::Refuse,
            reason: None,
            method: String::new(),
            changes: false,
            host: String::new(),
            path: String::new(),
            request_bytes: 0,
            connect_to: self.connect_to.as_deref(),
            proxy: self.proxy.as_deref(),
            ca_file: self.ca_file.as_deref(),
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
