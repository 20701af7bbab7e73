//! What the caller is told where a call came to no result.

use std::time::Duration;

use tailmint_api::{API_HOST, one_line};

use super::{MintError, MintErrorKind};
use crate::{
    egress::{Failure, Outcome},
    policy::Rule,
    sandbox::{Fault, types},
};

pub(super) fn rejected(what: &str) -> MintError {
    MintError::new(
        MintErrorKind::Rejected,
        format!("the component's result was not accepted: {what}"),
        "do not use this component; compare its digest with the one that was released",
    )
}

pub(super) fn stopped(fault: &Fault, outcome: &Outcome) -> MintError {
    let kind = match fault {
        Fault::OverLimit(_) => MintErrorKind::GuestOverLimit,
        Fault::Trapped(_) => MintErrorKind::GuestTrapped,
        Fault::Unloadable(_) => return MintError::internal(&fault.to_string()),
    };
    if let Some(error) = unwritten(outcome) {
        return error;
    }
    if let Some(decision) = &outcome.refused {
        return denied(decision);
    }
    MintError::new(
        kind,
        one_line(&fault.to_string()),
        "this is a fault of the component; please report it with this line",
    )
}

pub(super) fn overdue(deadline: Duration, outcome: &Outcome) -> MintError {
    let deadline = humantime::format_duration(deadline);
    let message = format!("the run took longer than {deadline}");
    match outcome.last_sent {
        Some(Rule::CreateAuthKey) => MintError::new(
            MintErrorKind::OutcomeUnknown,
            format!("{message}; a key may exist"),
            "look for a new key in the admin console and revoke it; otherwise it ends with its expiry",
        ),
        Some(Rule::CreateClient) => MintError::new(
            MintErrorKind::OutcomeUnknown,
            format!("{message}; an OAuth client may exist"),
            "look for a new OAuth client in the admin console and delete it: it does not end by itself",
        ),
        _ => MintError::new(
            MintErrorKind::GuestOverLimit,
            message,
            "try again; if it happens again, please report it",
        ),
    }
}

pub(super) fn denied(decision: &crate::Decision) -> MintError {
    let refusal = decision
        .refusal
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    MintError::new(
        MintErrorKind::Denied,
        format!("the policy refuses it by rule {}: {refusal}", decision.rule),
        match decision.refusal.as_ref().and_then(|it| it.remedy.clone()) {
            Some(remedy) => remedy,
            None => "no policy can allow it: it is not what was asked for".to_owned(),
        },
    )
}

fn unwritten(outcome: &Outcome) -> Option<MintError> {
    let detail = outcome.unwritten.as_ref()?;
    Some(MintError::new(
        MintErrorKind::Audit,
        detail.clone(),
        "what cannot be written down is not sent; make room, or give --audit-file",
    ))
}

/// The component's own error, with what the host knows better.
pub(super) fn told(error: types::Error, outcome: &Outcome) -> MintError {
    if let Some(error) = unwritten(outcome) {
        return error;
    }
    if let Some(decision) = &outcome.refused {
        return denied(decision);
    }
    if let Some(failure @ Failure::NotPublic { .. }) = &outcome.failure {
        return MintError::new(
            MintErrorKind::Denied,
            failure.to_string(),
            "nothing was sent; see who answers for the name here, or give --connect-to",
        );
    }
    let harmless = !outcome.last_sent.is_some_and(Rule::makes);
    let (kind, problem) = match error {
        types::Error::Denied(problem) => (MintErrorKind::Denied, problem),
        types::Error::InvalidCredential(problem) => (MintErrorKind::InvalidCredential, problem),
        types::Error::InvalidRequest(problem) => (MintErrorKind::InvalidRequest, problem),
        types::Error::MalformedResponse(problem) => (MintErrorKind::MalformedResponse, problem),
        types::Error::MissingScope(problem) => (MintErrorKind::MissingScope, problem),
        types::Error::NotFound(problem) => (MintErrorKind::NotFound, problem),
        types::Error::OutcomeUnknown(problem) => (MintErrorKind::OutcomeUnknown, problem),
        types::Error::RateLimited(limit) => (
            MintErrorKind::RateLimited {
                retry_after: limit
                    .retry_after_seconds
                    .map(|seconds| Duration::from_secs(seconds.into())),
            },
            limit.problem,
        ),
        types::Error::TagsNotPermitted(refusal) => (
            MintErrorKind::TagsNotPermitted {
                carried: refusal.carried.iter().map(|tag| one_line(tag)).collect(),
            },
            refusal.problem,
        ),
        types::Error::Transport(failure) => (
            MintErrorKind::Transport {
                retryable: match failure.cause {
                    types::TransportCause::Connection
                    | types::TransportCause::NameResolution
                    | types::TransportCause::Timeout => true,
                    types::TransportCause::Protocol | types::TransportCause::Tls => false,
                },
            },
            failure.problem,
        ),
        types::Error::Unavailable(problem) => (
            MintErrorKind::Unavailable {
                // After a request for something new only 503 says that nothing was done.
                retryable: harmless || problem.status == Some(503),
            },
            problem,
        ),
    };
    let hint = match &kind {
        _ if matches!(outcome.failure, Some(Failure::Proxy { .. })) => format!(
            "see whether the proxy is the right one, and whether it lets connections to {API_HOST} pass"
        ),
        MintErrorKind::RateLimited {
            retry_after: Some(wait),
        } => format!("wait {}, then try again", humantime::format_duration(*wait)),
        _ => one_line(&problem.hint),
    };
    let mut message = one_line(&problem.message);
    if let Some(failure) = &outcome.failure {
        message = format!("{message} ({})", one_line(&failure.to_string()));
    }
    MintError {
        kind,
        message,
        hint: Some(hint),
        status: problem.status,
    }
}
