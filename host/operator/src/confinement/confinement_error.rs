use tailmint::{Class, Diagnose};

use super::Limit;

/// A process that the policy wants to be confined, and that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy requires that this process is confined, and the kernel does not limit its {}", missing.words())]
pub struct ConfinementError {
    missing: Limit,
}

impl ConfinementError {
    pub(super) fn new(missing: Limit) -> Self {
        Self { missing }
    }
}

impl Diagnose for ConfinementError {
    fn class(&self) -> Class {
        Class::Policy
    }

    fn hint(&self) -> Option<String> {
        Some(
            "run it on Linux 6.7 or newer, with Landlock and seccomp, or set confinement to \"best-effort\" in the policy"
                .to_owned(),
        )
    }
}
