use std::{error::Error, fmt, time::Duration};

use tailmint_api::{KeyId, Kind, OutsideText};
use tailmint_core::{Class, Decision, Denial, Diagnose, Failure};

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MintError {
    /// What went wrong: one case for each thing that a caller does differently.
    pub kind: MintErrorKind,
    /// What went wrong, in words: one line, lower case.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The status of the API's response, if there was one.
    pub status: Option<u16>,
    /// Why no response came, where none came.
    pub cause: Option<Box<Failure>>,
    /// The keys and OAuth clients that the API created before this went wrong, and what
    /// became of each.
    pub left_behind: Vec<LeftBehind>,
    /// What may exist besides, under an id that nobody knows.
    pub left_open: Option<Kind>,
}

/// A key or an OAuth client that the API created for a call that then failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftBehind {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: KeyId,
    /// Whether it was revoked or deleted since.
    pub is_deleted: bool,
}

impl fmt::Display for LeftBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.kind.name();
        let done = match self.kind {
            Kind::AuthKey => "revoked",
            Kind::OauthClient | Kind::FederatedIdentity => "deleted",
        };
        let id = &self.id;
        if self.is_deleted {
            write!(f, "{what} {id} was created, and has been {done}")
        } else {
            write!(f, "{what} {id} was created and could not be {done}")
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintErrorKind {
    /// Something could not be written down.
    Audit,
    /// The policy denied a request: it was not sent.
    Denied {
        /// What the policy decided; `None` where the gate inside the component denied
        /// it.
        decision: Option<Box<Decision>>,
    },
    /// The policy denies the connection to the API, or the component.
    Forbidden,
    /// The component went over a limit.
    GuestOverLimit,
    /// The component stopped in an unforeseen way.
    GuestTrapped,
    /// A fault of this library.
    Internal,
    /// The caller wanted to stop.
    Interrupted,
    /// The credential is wrong, expired or revoked.
    InvalidCredential,
    /// The request makes no sense to the API.
    InvalidRequest,
    /// The component's result is not one of this run.
    InvalidResult,
    /// The response does not look like the API's.
    MalformedResponse,
    /// The credential lacks a scope.
    MissingScope,
    /// The caller asked for something that cannot be asked for.
    Misuse,
    /// The API's name leads to an address that is not public: nothing was sent.
    NotPublic,
    /// The API created a key with other properties than those that were asked for. It is
    /// revoked.
    NotAsAsked,
    /// There is no such key, OAuth client or tailnet.
    NotFound,
    /// A key or an OAuth client may exist whose secret nobody has.
    OutcomeUnknown,
    /// The API wants fewer requests.
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The credential may not give these tags.
    TagsNotPermitted {
        /// The tags that it carries, if known.
        carried: Vec<OutsideText>,
    },
    /// A request did not reach the API, or no response came.
    Transport {
        /// Whether trying again may help.
        retryable: bool,
    },
    /// The API failed on its side, and nothing was created.
    Unavailable,
}

impl MintError {
    pub(super) fn new(
        kind: MintErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: Some(hint.into()),
            status: None,
            cause: None,
            left_behind: Vec::new(),
            left_open: None,
        }
    }

    /// The policy denies the connection to the API, before any request is sent.
    pub(super) fn forbidden(denial: &Denial) -> Self {
        Self {
            hint: denial.remedy.clone(),
            ..Self::new(
                MintErrorKind::Forbidden,
                format!("the policy does not allow {}", denial.member),
                "",
            )
        }
    }

    /// The policy does not let the component run.
    pub(super) fn component(denial: &Denial) -> Self {
        Self {
            hint: denial.remedy.clone(),
            ..Self::new(
                MintErrorKind::Forbidden,
                format!("the policy does not let this component run: {denial}"),
                "",
            )
        }
    }

    /// The component has another contract.
    pub(super) fn unusable(detail: &str) -> Self {
        Self::new(
            MintErrorKind::Forbidden,
            format!("the component cannot be used: {}", OutsideText::new(detail)),
            "give a component of the world tailmint:api/minter that imports what the policy allows",
        )
    }

    /// The API responds to something else than it was asked.
    pub(super) fn malformed(what: &str) -> Self {
        Self::new(
            MintErrorKind::MalformedResponse,
            format!("unexpected response: {what}"),
            "try again; if it happens again, see whether something stands between here and the API",
        )
    }

    pub(super) fn interrupted() -> Self {
        Self {
            hint: None,
            ..Self::new(MintErrorKind::Interrupted, "interrupted", "")
        }
    }

    /// The caller's mistake.
    pub(super) fn misuse(what: &str) -> Self {
        Self {
            hint: None,
            ..Self::new(MintErrorKind::Misuse, what, "")
        }
    }

    pub(crate) fn internal(detail: &str) -> Self {
        Self::new(
            MintErrorKind::Internal,
            format!("the sandbox could not be set up: {detail}"),
            "this is a fault of tailmint; please report it with this line",
        )
    }
}

impl Diagnose for MintError {
    fn class(&self) -> Class {
        match self.kind {
            MintErrorKind::Internal => Class::Internal,
            MintErrorKind::Interrupted => Class::Interrupted,
            MintErrorKind::Misuse => Class::Usage,
            MintErrorKind::Audit | MintErrorKind::Forbidden => Class::Policy,
            MintErrorKind::Denied { .. } => Class::Denied,
            MintErrorKind::GuestOverLimit | MintErrorKind::GuestTrapped => Class::Guest,
            MintErrorKind::InvalidCredential if self.status.is_none() => Class::Credential,
            MintErrorKind::InvalidCredential
            | MintErrorKind::InvalidRequest
            | MintErrorKind::MissingScope
            | MintErrorKind::NotFound
            | MintErrorKind::TagsNotPermitted { .. } => Class::Rejected,
            // What may be otherwise in a while: a page where one signs in to a network, say,
            // has its own addresses for all names.
            MintErrorKind::MalformedResponse
            | MintErrorKind::NotPublic
            | MintErrorKind::RateLimited { .. }
            | MintErrorKind::Transport { .. }
            | MintErrorKind::Unavailable => Class::Unreachable,
            MintErrorKind::OutcomeUnknown => Class::OutcomeUnknown,
            MintErrorKind::InvalidResult => Class::InvalidResult,
            MintErrorKind::NotAsAsked => Class::NotAsAsked,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for left in &self.left_behind {
            write!(f, "; {left}")?;
        }
        Ok(())
    }
}

impl Error for MintError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}
