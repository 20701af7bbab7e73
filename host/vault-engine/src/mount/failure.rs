use std::fmt;

use tailmint::{Class, Diagnose, MintError, MintErrorKind};

use crate::vault::VaultError;

/// Why a request has no result, by what its caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The caller asked for something that cannot be, or something has to be set up first:
    /// HTTP 400.
    Caller(String),
    /// Another status of HTTP.
    Status(u16, String),
    /// Something failed here: HTTP 500.
    Internal(String),
    /// There is no such path: 404.
    NoPath,
    /// The path takes no such operation: 405.
    NoOperation,
}

/// The API's wish for fewer requests, or the role's limit.
pub(super) const TOO_MANY: u16 = 429;

/// The API did not do it, and may a moment later. Vault's own clients try again.
const BAD_GATEWAY: u16 = 502;

impl Failure {
    /// The caller's, with what to do about it.
    pub(super) fn caller(message: impl fmt::Display, hint: &str) -> Self {
        Self::Caller(format!("{message}\nhint: {hint}"))
    }

    /// One of this machine's, with what to do about it.
    pub(super) fn of(error: &impl Diagnose) -> Self {
        let text = words(error, error.hint());
        match error.class() {
            Class::Unreachable | Class::OutcomeUnknown => Self::Status(BAD_GATEWAY, text),
            Class::Credential | Class::Denied | Class::Rejected | Class::Usage => {
                Self::Caller(text)
            }
            _ => Self::Internal(text),
        }
    }

    /// One of the minter's.
    pub(super) fn of_mint(error: &MintError) -> Self {
        if let MintErrorKind::RateLimited { .. } = error.kind {
            return Self::Status(TOO_MANY, words(error, error.hint()));
        }
        if may_be_alive(error) {
            let hint = "what was created is looked for at the next rollback, and revoked";
            return Self::Status(BAD_GATEWAY, words(error, Some(hint.to_owned())));
        }
        Self::of(error)
    }

    /// Whether the API was not reached, or its response was lost: others would be, too.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Status(BAD_GATEWAY, _))
    }

    /// The words of it, for a log.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Caller(text) | Self::Status(_, text) | Self::Internal(text) => text,
            Self::NoPath => "unsupported path",
            Self::NoOperation => "unsupported operation",
        }
    }
}

/// Whether a key or a client may be alive that nobody has.
pub(super) fn may_be_alive(error: &MintError) -> bool {
    error.kind == MintErrorKind::OutcomeUnknown
        || error.left_open.is_some()
        || error.left_behind.iter().any(|left| !left.is_deleted)
}

fn words(error: &impl fmt::Display, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::Internal(error.to_string())
    }
}
