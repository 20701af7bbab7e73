use std::{fmt, time::Duration};

use crate::{Class, KeyId, Refusal};

/// Why a call came to no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MintError {
    /// What went wrong: one case for each thing that a caller does differently.
    pub kind: MintErrorKind,
    /// What went wrong, in words: one line, lower case.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The status of the API's answer, if there was one.
    pub status: Option<u16>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintErrorKind {
    /// Something could not be written down.
    Audit,
    /// The policy refused a request: it was not sent.
    Denied,
    /// The policy forbids how it is to be done.
    Forbidden,
    /// The component went over a limit.
    GuestOverLimit,
    /// The component stopped in an unforeseen way.
    GuestTrapped,
    /// A fault of this library.
    Internal,
    /// Whoever called wanted to stop. No key was left behind unless the message
    /// names it.
    Interrupted,
    /// The credential is wrong, expired or revoked.
    InvalidCredential,
    /// The request makes no sense to the API.
    InvalidRequest,
    /// The answer is not one of the API's.
    MalformedResponse,
    /// The credential lacks a scope.
    MissingScope,
    /// There is no such key or tailnet.
    NotFound,
    /// A key may exist whose secret nobody has.
    OutcomeUnknown,
    /// The API wants fewer requests.
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The component's result is not one of this run.
    Rejected,
    /// The credential may not give these tags.
    TagsNotPermitted {
        /// The tags that it carries, if known.
        carried: Vec<String>,
    },
    /// A request did not come through.
    Transport {
        /// Whether trying again may help.
        retryable: bool,
    },
    /// The API failed on its side.
    Unavailable {
        /// Whether trying again is safe.
        retryable: bool,
    },
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
        }
    }

    /// The policy forbids what was asked for before any request is made.
    pub(super) fn forbidden(what: &str, member: &str) -> Self {
        Self::new(
            MintErrorKind::Forbidden,
            format!("the policy forbids {what}"),
            format!("it says {member} = \"forbid\"; see: tailmint policy show"),
        )
    }

    /// The policy does not let the component run.
    pub(super) fn component(refusal: &Refusal) -> Self {
        Self {
            hint: refusal.remedy.clone(),
            ..Self::new(
                MintErrorKind::Forbidden,
                format!("the policy does not let this component run: {refusal}"),
                "",
            )
        }
    }

    /// The component is none of this contract.
    pub(super) fn unusable(detail: &str) -> Self {
        Self::new(
            MintErrorKind::Forbidden,
            format!(
                "the component cannot be used: {}",
                tailmint_api::one_line(detail)
            ),
            "give a component of the world tailmint:api/minter that imports what the policy allows",
        )
    }

    pub(super) fn interrupted() -> Self {
        Self {
            hint: None,
            ..Self::new(MintErrorKind::Interrupted, "interrupted", "")
        }
    }

    pub(super) fn internal(detail: &str) -> Self {
        Self::new(
            MintErrorKind::Internal,
            format!("the sandbox could not be set up: {detail}"),
            "this is a fault of tailmint; please report it with this line",
        )
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        match self.kind {
            MintErrorKind::Internal => Class::Internal,
            MintErrorKind::Interrupted => Class::Interrupted,
            MintErrorKind::Audit | MintErrorKind::Forbidden => Class::Policy,
            MintErrorKind::Denied => Class::Denied,
            MintErrorKind::GuestOverLimit | MintErrorKind::GuestTrapped => Class::Guest,
            MintErrorKind::InvalidCredential if self.status.is_none() => Class::Credential,
            MintErrorKind::InvalidCredential
            | MintErrorKind::InvalidRequest
            | MintErrorKind::MissingScope
            | MintErrorKind::NotFound
            | MintErrorKind::RateLimited { .. }
            | MintErrorKind::TagsNotPermitted { .. } => Class::Refused,
            MintErrorKind::MalformedResponse
            | MintErrorKind::Transport { .. }
            | MintErrorKind::Unavailable { .. } => Class::Unreachable,
            MintErrorKind::OutcomeUnknown => Class::OutcomeUnknown,
            MintErrorKind::Rejected => Class::Rejected,
        }
    }

    /// Adds what became of a key or a client that the API gave out before this went
    /// wrong.
    pub(super) fn left_behind(&mut self, id: &KeyId, client: bool, ended: bool) {
        let fate = match (client, ended) {
            (false, true) => format!("key {id} was made and is revoked again"),
            (true, true) => format!("OAuth client {id} was made and is deleted again"),
            (false, false) => {
                self.hint = Some(format!("revoke it: tailmint keys revoke {id}"));
                format!("key {id} was made and could not be revoked")
            }
            (true, false) => {
                self.hint = Some(format!("delete it: tailmint clients delete --id {id}"));
                format!("OAuth client {id} was made and could not be deleted")
            }
        };
        self.message = format!("{}; {fate}", self.message);
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MintError {}
