use serde::{Deserialize, Serialize};

/// Whether something may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Permission {
    Allow,
    Forbid,
}

/// Whether a property of a key may be, must be, or must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Property {
    Allow,
    Forbid,
    Require,
}

/// Whether the policy is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// What it does not allow does not leave.
    Enforce,
    /// What it does not allow is written down as such, and leaves. What was not
    /// asked for, and what is not for the API, does not leave all the same.
    Report,
}

impl Permission {
    pub(super) fn narrows(self, other: Self) -> bool {
        self == Self::Forbid || other == Self::Allow
    }
}

impl Property {
    pub(super) fn narrows(self, other: Self) -> bool {
        self == other || other == Self::Allow
    }

    pub(super) fn allows(self, value: bool) -> bool {
        match self {
            Self::Allow => true,
            Self::Forbid => !value,
            Self::Require => value,
        }
    }
}

impl Mode {
    pub(super) fn narrows(self, other: Self) -> bool {
        self == Self::Enforce || other == Self::Report
    }
}
