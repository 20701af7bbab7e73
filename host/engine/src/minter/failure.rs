//! Turns a failed call into the error for the caller.

use std::time::Duration;

use tailmint_api::{API_HOST, KeyId, Kind, OutsideText, Rule};
use tailmint_core::{Decision, Failure};

use super::{
    MintError, MintErrorKind,
    evidence::{bears_out, name},
};
use crate::{
    egress::Outcome,
    sandbox::{Fault, types},
};

/// The component returned something that the host did not see happen.
pub(super) fn invalid_result(what: &str) -> MintError {
    MintError::new(
        MintErrorKind::InvalidResult,
        format!("the component returned an invalid result: {what}"),
        "do not use this component; compare its digest with that of the release",
    )
}

/// The component trapped, went over a limit, or could not be loaded.
pub(super) fn from_fault(fault: &Fault, outcome: &Outcome) -> MintError {
    let kind = match fault {
        Fault::OverLimit(_) => MintErrorKind::GuestOverLimit,
        Fault::Trapped(_) => MintErrorKind::GuestTrapped,
        Fault::NotExecutable(_) => {
            return MintError::new(
                MintErrorKind::Internal,
                format!("the sandbox could not be set up: {fault}"),
                "allow it: MemoryDenyWriteExecute=no in the unit of systemd; with SELinux, the permission execmem",
            );
        }
        Fault::Unloadable(_) => return MintError::internal(&fault.to_string()),
    };
    if let Some(error) = from_host(outcome) {
        return error;
    }
    MintError::new(
        kind,
        OutsideText::of(fault).into_string(),
        "this is a fault of the component; please report it with this line",
    )
}

/// The whole call took too long.
pub(super) fn timed_out(deadline: Duration) -> MintError {
    let deadline = humantime::format_duration(deadline);
    MintError::new(
        MintErrorKind::GuestOverLimit,
        format!("the run took longer than {deadline}"),
        "try again; if it happens again, please report it",
    )
}

/// The error with what the host knows of what was created, whatever the component says of
/// it: one of these ids, or perhaps one that nobody knows.
pub(super) fn settled(error: MintError, kind: Kind, issued: &[KeyId], is_open: bool) -> MintError {
    if is_open {
        return MintError {
            kind: MintErrorKind::OutcomeUnknown,
            message: format!("{}; {} may exist", error.message, kind.with_article()),
            hint: Some(kind.look_for_it().to_owned()),
            left_open: Some(kind),
            ..error
        };
    }
    if error.kind != MintErrorKind::OutcomeUnknown {
        return error;
    }
    if issued.is_empty() {
        return invalid_result("it reports that the outcome is not known, and it is");
    }
    MintError {
        kind: MintErrorKind::MalformedResponse,
        hint: Some("try again; if it happens again, please report it".to_owned()),
        ..error
    }
}

/// The error where the request that changes something may have been carried out, whatever
/// the component says of it.
pub(super) fn perhaps_changed(error: MintError) -> MintError {
    MintError {
        kind: MintErrorKind::OutcomeUnknown,
        message: format!("{}; it may have been changed", error.message),
        hint: Some("see in the admin console whether it was changed".to_owned()),
        ..error
    }
}

/// The policy denied a request.
pub(super) fn policy_denied(decision: Decision) -> MintError {
    let denial = decision.denial.as_ref();
    let reason = denial.map_or_else(String::new, ToString::to_string);
    let message = format!("the policy denies it by rule {}: {reason}", decision.rule);
    let hint = match denial.and_then(|it| it.remedy.clone()) {
        Some(remedy) => remedy,
        None => "no policy can allow it: nobody asked for it".to_owned(),
    };
    let decision = Some(Box::new(decision));
    MintError::new(MintErrorKind::Denied { decision }, message, hint)
}

/// What the host knows better than the component: something could not be written down,
/// or was denied.
fn from_host(outcome: &Outcome) -> Option<MintError> {
    if let Some(detail) = &outcome.unwritten {
        return Some(MintError::new(
            MintErrorKind::Audit,
            detail.clone(),
            "what cannot be written down is not sent; make room, or keep the log elsewhere",
        ));
    }
    outcome.denied.clone().map(policy_denied)
}

/// The component's own error, with what the host knows better.
pub(super) fn from_component(error: types::Error, outcome: &Outcome, own: Rule) -> MintError {
    if let Some(error) = from_host(outcome) {
        return error;
    }
    if !bears_out(&error, outcome, own) {
        return invalid_result(&format!(
            "it reports {:?}, which the host did not see",
            name(&error)
        ));
    }
    if let Some(failure @ Failure::NotPublic { remedy, .. }) = &outcome.failure {
        return MintError {
            cause: Some(Box::new(failure.clone())),
            ..MintError::new(
                MintErrorKind::NotPublic,
                "the API cannot be reached",
                format!("nothing was sent; {remedy}"),
            )
        };
    }
    let (kind, problem) = match error {
        types::Error::Denied(problem) => (MintErrorKind::Denied { decision: None }, problem),
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
                carried: refusal
                    .carried
                    .iter()
                    .map(|tag| OutsideText::new(tag))
                    .collect(),
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
        types::Error::Unavailable(problem) => (MintErrorKind::Unavailable, problem),
    };
    let hint = match &kind {
        _ if matches!(outcome.failure, Some(Failure::Proxy { .. })) => format!(
            "see whether the proxy is the right one, and whether it allows connections to {API_HOST}"
        ),
        _ if let Some(Failure::Tls {
            certificate: Some(problem),
            ..
        }) = &outcome.failure =>
        {
            problem.remedy().to_owned()
        }
        MintErrorKind::RateLimited {
            retry_after: Some(wait),
        } => format!("wait {}, then try again", humantime::format_duration(*wait)),
        _ => OutsideText::new(&problem.hint).into_string(),
    };
    MintError {
        status: outcome.last_response().map(|seen| seen.status),
        cause: outcome.failure.clone().map(Box::new),
        ..MintError::new(kind, OutsideText::new(&problem.message).into_string(), hint)
    }
}
