use tailmint_api::OutsideText;
use tailmint_audit::{Entry, Subject};
use tailmint_core::{Decision, Event};

use super::{IdToken, TokenSourceKind, call::Call};

/// What entries of the audit log call the operation that fetches a token.
pub(super) const FETCH: &str = "identity-token";

/// The rule that decides about these requests.
pub(super) const RULE: &str = "identity";

/// A request to a platform or to an issuer, as far as it is written down.
pub(super) struct IdentityRequest<'a> {
    pub(super) operation: &'static str,
    pub(super) decision: &'a Decision,
    /// Where a token is to come from. `None` where none is fetched.
    pub(super) source: Option<TokenSourceKind>,
    /// Whom the token is to be for, likewise.
    pub(super) audience: Option<&'a str>,
    /// `None` where the policy denies it before it is known where it would go.
    pub(super) call: Option<&'a Call>,
    /// What came.
    pub(super) token: Option<&'a IdToken>,
}

impl Subject for IdentityRequest<'_> {
    fn operation(&self) -> &'static str {
        self.operation
    }

    fn fill(&self, entry: &mut Entry<'_>) {
        entry.decided(self.decision);
        // The service only tells who this machine is, whatever the method.
        entry.changes = false;
        entry.call_changes = false;
        entry.source = self.source.map(TokenSourceKind::name);
        entry.audience = self.audience.map(str::to_owned);
        if let Some(call) = self.call {
            call.method.as_str().clone_into(&mut entry.method);
            entry.host = call.peer.name();
            call.path.clone_into(&mut entry.path);
            entry.request_bytes = call.body.len();
        }
        if let Some(token) = self.token {
            entry.issuer = token.issuer().map(OutsideText::into_string);
            entry.subject = token.subject().map(OutsideText::into_string);
            entry.expires = token.expires().map(|it| it.to_string());
        }
    }
}

impl IdentityRequest<'_> {
    /// What observers are told of the decision.
    pub(super) fn event(&self) -> Event<'_> {
        Event::Decided {
            decision: self.decision,
            method: self.call.map_or("", |call| call.method.as_str()),
            path: self.call.map_or("", |call| &call.path),
            path_template: None,
            body_bytes: self.call.map_or(0, |call| call.body.len()),
        }
    }
}
