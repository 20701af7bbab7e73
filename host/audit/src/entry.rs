use std::time::Duration;

use serde::Serialize;
use tailmint_core::{Decision, Failure};

use crate::Actor;

/// What is written down about a request. No entry holds a secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// What the entry is about.
    pub event: AuditEvent,
    /// Joins the entries of one call.
    pub run: &'a str,
    /// The request of another program that the call is for, by the number that it has there:
    /// Vault's audit log has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a str>,
    /// Who runs this.
    pub actor: &'a Actor,
    /// The version of tailmint.
    pub version: &'static str,
    /// The SHA-256 of the component that runs; empty for a request of the host's own.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub component: &'a str,
    /// The SHA-256 of the policy that decides.
    pub policy: &'a str,
    /// The OAuth client that asks, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<&'a str>,
    /// The tailnet that is asked, `-` for the credential's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tailnet: Option<&'a str>,
    /// What the component was called for.
    pub operation: &'static str,
    /// The rule that decided.
    pub rule: &'static str,
    /// What it decided.
    pub decision: Verdict,
    /// Why the request is denied, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request's method.
    pub method: String,
    /// Whether the request does anything but read. Not written, since the method and
    /// the path say it.
    #[serde(skip)]
    pub changes: bool,
    /// Whether the call that the request belongs to creates or changes something, so that
    /// its result, and what clears up after it, have to be written down too. Not written.
    #[serde(skip)]
    pub call_changes: bool,
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
    /// Which platform an identity token is asked of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// Whom the identity token is to be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Who issued the identity token that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whom the identity token that came is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When the identity token that came expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The scopes of the OAuth client that is asked for, or that are asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The tags of the key or the client that is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How many seconds the key that is asked for is to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_seconds: Option<u32>,
    /// The secrets that the request carries, or that the response has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretUse>,
    /// The status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The size of the response's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<usize>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// Why no response came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether the request may have had its effect all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outcome_unknown: bool,
    /// The id of the key or the OAuth client that the request is about, or that the
    /// response has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Entry<'_> {
    /// What the policy decided.
    pub fn decided(&mut self, decision: &Decision) {
        self.rule = decision.rule;
        self.decision = match (&decision.denial, &decision.reported) {
            (Some(_), _) => Verdict::Deny,
            (None, Some(_)) => Verdict::Report,
            (None, None) => Verdict::Allow,
        };
        let denial = decision.denial.as_ref().or(decision.reported.as_ref());
        self.reason = denial.map(ToString::to_string);
    }

    /// What came back.
    pub(crate) fn responded(&mut self, status: u16, bytes: usize, elapsed: Duration) {
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

    /// Whether it has to be on disk before the request is sent: the request does not only
    /// read, or is one that somebody tried and may not send.
    pub(crate) fn is_durable(&self) -> bool {
        let tried = self.decision != Verdict::Allow;
        self.event == AuditEvent::Decision && (self.changes || tried)
    }

    /// Whether room has to be kept for more once the request is sent. What deletes is
    /// written in the room that was kept for it.
    pub(crate) fn has_sequel(&self) -> bool {
        let is_sent = self.decision != Verdict::Deny;
        self.event == AuditEvent::Decision && is_sent && self.call_changes
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
    /// The policy decided. If it allows the request, the request is sent next.
    Decision,
    /// A response came.
    Response,
    /// No response came.
    Failure,
}

/// What the policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The request may be sent.
    Allow,
    /// It would be denied; the policy is report-only.
    Report,
    /// It is not sent.
    Deny,
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

#[cfg(test)]
mod tests {
    use tailmint_core::Denial;

    use super::*;
    use crate::Context;

    fn context() -> Context {
        Context::new(Actor {
            uid: 1000,
            user: None,
            pid: 1,
        })
    }

    #[test]
    fn what_changes_something_or_was_only_tried_is_on_disk_before_it_is_sent() {
        use AuditEvent::{Decision, Failure, Response};
        use Verdict::{Allow, Deny, Report};
        let context = context();
        for (event, decision, changes, is_durable) in [
            (Decision, Allow, true, true),
            (Decision, Allow, false, false),
            (Decision, Deny, true, true),
            (Decision, Deny, false, true),
            (Decision, Report, false, true),
            (Response, Allow, true, false),
            (Response, Deny, true, false),
            (Failure, Deny, false, false),
        ] {
            let mut entry = context.entry("run", event, "mint");
            entry.decision = decision;
            entry.changes = changes;
            let case = format!("{event:?}, {decision:?}, {changes}");
            assert_eq!(entry.is_durable(), is_durable, "{case}");
        }
    }

    #[test]
    fn room_is_kept_for_what_follows_a_request_that_is_sent_for_a_change() {
        use AuditEvent::{Decision, Response};
        use Verdict::{Allow, Deny, Report};
        let context = context();
        for (event, decision, call_changes, has_sequel) in [
            (Decision, Allow, true, true),
            (Decision, Report, true, true),
            (Decision, Allow, false, false),
            (Decision, Deny, true, false),
            (Decision, Deny, false, false),
            (Response, Allow, true, false),
            (Response, Deny, true, false),
            (Response, Allow, false, false),
        ] {
            let mut entry = context.entry("run", event, "mint");
            entry.decision = decision;
            entry.call_changes = call_changes;
            let case = format!("{event:?}, {decision:?}, {call_changes}");
            assert_eq!(entry.has_sequel(), has_sequel, "{case}");
        }
    }

    #[test]
    fn a_decision_is_written_with_its_reason() {
        let context = context();
        let mut entry = context.entry("run", AuditEvent::Decision, "mint");
        assert_eq!(entry.decision, Verdict::Deny);
        entry.decided(&Decision::allowed("token"));
        assert_eq!((entry.rule, entry.decision), ("token", Verdict::Allow));
        assert_eq!(entry.reason, None);
        let denial = || Denial::new("body", "it is long");
        entry.decided(&Decision::denied("token", denial()));
        assert_eq!(entry.decision, Verdict::Deny);
        assert_eq!(entry.reason.as_deref(), Some("body: it is long"));
        let reported = Decision {
            reported: Some(denial()),
            ..Decision::allowed("token")
        };
        entry.decided(&reported);
        assert_eq!(entry.decision, Verdict::Report);
        assert_eq!(entry.reason.as_deref(), Some("body: it is long"));
    }

    #[test]
    fn an_outcome_is_written_with_its_time() {
        let context = context();
        let mut entry = context.entry("run", AuditEvent::Response, "mint");
        entry.responded(200, 17, Duration::from_millis(1250));
        assert_eq!(entry.status, Some(200));
        assert_eq!(entry.response_bytes, Some(17));
        assert_eq!(entry.milliseconds, Some(1250));
        let mut entry = context.entry("run", AuditEvent::Failure, "mint");
        let late = Failure::ResponseTimeout {
            limit: Duration::from_secs(30),
        };
        entry.failed(&late, Duration::from_secs(30));
        assert_eq!(entry.failure, Some(late.to_string()));
        assert!(entry.outcome_unknown);
        assert_eq!(entry.milliseconds, Some(30_000));
        let unreached = Failure::ConnectTimeout {
            peer: "api.tailscale.com".to_owned(),
            step: "the TLS handshake",
            limit: Duration::from_secs(5),
        };
        entry.failed(&unreached, Duration::ZERO);
        assert!(!entry.outcome_unknown);
    }
}
