use std::sync::Arc;

use tailmint::{audit::Audit, connection::Trust, event::Observer, policy::Policy};
use tailmint_operator::credentials::Asked;

/// What it takes to get a credential that is not in files: the policy that has to allow it,
/// and how a platform is asked for an identity token. All of it is absent where files will
/// do.
#[derive(Default)]
pub(super) struct CredentialMeans {
    pub(super) policy: Option<Policy>,
    pub(super) audit: Option<Arc<dyn Audit>>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) trust: Option<Trust>,
}

impl CredentialMeans {
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            audit: self.audit.as_ref(),
            observer: self.observer.as_ref(),
            trust: self.trust.as_ref(),
        }
    }
}
