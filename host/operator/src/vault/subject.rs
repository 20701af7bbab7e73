use http::Method;
use tailmint_audit::{Entry, Subject};
use tailmint_core::{Decision, Event};

/// What entries of the audit log call the operation.
const OPERATION: &str = "vault-push";

/// The rule that decides about these requests.
pub(super) const RULE: &str = "vault";

/// A request to a Vault, as far as it is written down.
pub(super) struct VaultRequest<'a> {
    pub(super) decision: &'a Decision,
    pub(super) host: &'a str,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) bytes: usize,
}

impl Subject for VaultRequest<'_> {
    fn operation(&self) -> &'static str {
        OPERATION
    }

    fn fill(&self, entry: &mut Entry<'_>) {
        entry.decided(self.decision);
        self.method.as_str().clone_into(&mut entry.method);
        entry.changes = *self.method != Method::GET;
        self.host.clone_into(&mut entry.host);
        self.path.clone_into(&mut entry.path);
        entry.request_bytes = self.bytes;
    }
}

impl VaultRequest<'_> {
    /// What observers are told of the decision.
    pub(super) fn event(&self) -> Event<'_> {
        Event::Decided {
            decision: self.decision,
            method: self.method.as_str(),
            path: self.path,
            path_template: None,
            body_bytes: self.bytes,
        }
    }
}
