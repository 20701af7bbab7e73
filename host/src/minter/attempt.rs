//! One call of the component, and what becomes of its answer.

use std::{sync::Arc, time::Duration};

use tailmint_api::one_line;

use super::{AuthKey, MintError, MintErrorKind, MintedKey, Minter};
use crate::{
    Credential, KeyId,
    audit::{Context, Journal},
    egress::{Failure, Outcome, Run},
    policy::{Intent, Rule, RunPolicy},
    sandbox::{Fault, Sandbox, State, auth_keys::Guest, types},
    seal::Seals,
};

/// The time that a whole call has, with every wait and retry. Twice the limits
/// of its two requests, so that it only ends what does not end by itself.
pub(super) const RUN_LIMIT: Duration = Duration::from_mins(1);

impl Minter {
    /// Mints once. Beside the result come the keys that the API gave out, which
    /// are the caller's to revoke where there is no result.
    pub(super) async fn attempt_mint(
        &self,
        credential: &Credential,
        intent: &Intent,
    ) -> (Result<MintedKey, MintError>, Vec<KeyId>) {
        let Intent::Mint {
            tailnet,
            properties,
        } = intent
        else {
            return (Err(MintError::internal("not a mint")), Vec::new());
        };
        let (run, credential) = match self.run(credential, intent) {
            Ok(prepared) => prepared,
            Err(error) => return (Err(error), Vec::new()),
        };
        if let Some(decision) = run.foresee() {
            return (Err(denied(&decision)), Vec::new());
        }
        let properties = types::KeyProperties {
            reusable: properties.reusable,
            ephemeral: properties.ephemeral,
            preauthorized: properties.preauthorized,
            tags: properties.tags.iter().map(ToString::to_string).collect(),
            expiry_seconds: properties.expiry.as_secs(),
            description: properties.description.as_ref().map(ToString::to_string),
        };
        let result = self
            .call(&run, async |guest, store| {
                guest
                    .call_mint(store, &credential, tailnet.as_str(), &properties)
                    .await
            })
            .await;
        let result = result.and_then(|minted| accept(&run, minted));
        (result, run.issued_ids())
    }

    pub(super) async fn attempt_get(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<AuthKey, MintError> {
        let (run, credential) = self.run(credential, intent)?;
        let tailnet = intent.tailnet().as_str();
        let key = self
            .call(&run, async |guest, store| {
                guest
                    .call_get(store, &credential, tailnet, id.as_str())
                    .await
            })
            .await?;
        if key.id != id.as_str() {
            return Err(rejected("it describes another key than the one asked for"));
        }
        Ok(details(id.clone(), key))
    }

    pub(super) async fn attempt_revoke(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let digest = &self.context.component;
        self.revoke_by(&self.sandbox, digest, credential, intent, id)
            .await
    }

    /// Revokes what a call left behind, by the built-in component where it may.
    pub(super) async fn attempt_undo(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        match &self.undoing {
            Some((sandbox, digest)) => {
                self.revoke_by(sandbox, digest, credential, intent, id)
                    .await
            }
            None => self.attempt_revoke(credential, intent, id).await,
        }
    }

    async fn revoke_by(
        &self,
        sandbox: &Sandbox,
        digest: &str,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let (run, credential) = self.run_of(digest, credential, intent)?;
        let tailnet = intent.tailnet().as_str();
        self.call_in(sandbox, &run, async |guest, store| {
            guest
                .call_revoke(store, &credential, tailnet, id.as_str())
                .await
        })
        .await?;
        // What the component says it did, the host must have seen.
        match run.outcome().last_answer {
            Some((Rule::DeleteKey, 200)) => Ok(()),
            _ => Err(rejected(
                "it says that the key is revoked, but did not revoke it",
            )),
        }
    }

    /// A run for the intent, and the credential as the component sees it.
    fn run(
        &self,
        credential: &Credential,
        intent: &Intent,
    ) -> Result<(Arc<Run>, types::Credential), MintError> {
        self.run_of(&self.context.component, credential, intent)
    }

    /// The same for the component with this digest.
    fn run_of(
        &self,
        digest: &str,
        credential: &Credential,
        intent: &Intent,
    ) -> Result<(Arc<Run>, types::Credential), MintError> {
        let client_id = match credential {
            Credential::OauthClient { id, .. } => Some(id.clone()),
            Credential::ApiKey { .. } => None,
        };
        let mut seals = Seals::default();
        let sealed = match credential {
            Credential::ApiKey { key } => seals
                .bearer(key.clone())
                .map(|key| types::Credential::ApiKey(key.as_str().to_owned())),
            Credential::OauthClient { id, secret } => {
                seals.client_secret(secret.clone()).map(|secret| {
                    types::Credential::OauthClient(types::OauthClient {
                        id: id.clone(),
                        secret: secret.as_str().to_owned(),
                    })
                })
            }
        };
        let sealed = sealed.map_err(|error| MintError::internal(&error.to_string()))?;
        let run = Run::new(
            RunPolicy::new(Arc::clone(&self.policy), intent.clone(), client_id),
            seals,
            Arc::clone(&self.connection),
            Arc::clone(&self.observer),
            self.journal(digest)?,
        );
        Ok((Arc::new(run), sealed))
    }

    /// Where this call is written down, under a number of its own.
    fn journal(&self, digest: &str) -> Result<Journal, MintError> {
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(|error| MintError::internal(&error.to_string()))?;
        let run = format!("{:016x}", u64::from_be_bytes(run));
        let context = Context {
            component: digest.to_owned(),
            ..self.context.clone()
        };
        Ok(Journal::new(self.audit.clone(), context, run))
    }

    /// Calls the component under the limit of the whole run.
    async fn call<T>(
        &self,
        run: &Arc<Run>,
        call: impl AsyncFnOnce(
            &Guest,
            &mut wasmtime::Store<State>,
        ) -> Result<Result<T, types::Error>, wasmtime::Error>,
    ) -> Result<T, MintError> {
        self.call_in(&self.sandbox, run, call).await
    }

    async fn call_in<T>(
        &self,
        sandbox: &Sandbox,
        run: &Arc<Run>,
        call: impl AsyncFnOnce(
            &Guest,
            &mut wasmtime::Store<State>,
        ) -> Result<Result<T, types::Error>, wasmtime::Error>,
    ) -> Result<T, MintError> {
        let calling = sandbox.call(Arc::clone(run), async |store, calls| {
            call(calls.tailmint_api_auth_keys(), store).await
        });
        let calling = tokio::time::timeout(self.deadline, calling);
        tokio::pin!(calling);
        let called = tokio::select! {
            called = &mut calling => called,
            // A request that makes or revokes a key is not given up on: what
            // came of it must be known.
            () = self.interrupt.raised(), if run.is_interruptible() => {
                if !run.outcome().last_sent.is_some_and(Rule::changes_keys) {
                    return Err(MintError::interrupted());
                }
                calling.await
            }
        };
        match called {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(told(error, &run.outcome())),
            Ok(Err(fault)) => Err(stopped(&fault, &run.outcome())),
            Err(_) => Err(overdue(self.deadline, &run.outcome())),
        }
    }
}

/// Takes the component's result only where it is the key that the API gave out
/// in this run, under the id that the API gave it.
fn accept(run: &Run, minted: types::MintedKey) -> Result<MintedKey, MintError> {
    let issued = run
        .open_result(&minted.key)
        .ok_or_else(|| rejected("its key is not one that the API gave out in this run"))?;
    if minted.details.id != issued.id.as_str() {
        return Err(rejected("its key has another id than the API gave it"));
    }
    Ok(MintedKey {
        key: issued.key,
        details: details(issued.id, minted.details),
    })
}

fn details(id: KeyId, key: types::AuthKey) -> AuthKey {
    AuthKey {
        id,
        created: one_line(&key.created),
        expires: one_line(&key.expires),
        invalid: key.invalid,
        reusable: key.properties.reusable,
        ephemeral: key.properties.ephemeral,
        preauthorized: key.properties.preauthorized,
        tags: key
            .properties
            .tags
            .iter()
            .map(|tag| one_line(tag))
            .collect(),
        description: key.properties.description.map(|text| one_line(&text)),
    }
}

fn rejected(what: &str) -> MintError {
    MintError::new(
        MintErrorKind::Rejected,
        format!("the component's result was not accepted: {what}"),
        "do not use this component; compare its digest with the one that was released",
    )
}

fn stopped(fault: &Fault, outcome: &Outcome) -> MintError {
    let kind = match fault {
        Fault::OverLimit(_) => MintErrorKind::GuestOverLimit,
        Fault::Trapped(_) => MintErrorKind::GuestTrapped,
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

fn overdue(deadline: Duration, outcome: &Outcome) -> MintError {
    let deadline = humantime::format_duration(deadline);
    let message = format!("the run took longer than {deadline}");
    match outcome.last_sent {
        Some(Rule::CreateAuthKey) => MintError::new(
            MintErrorKind::OutcomeUnknown,
            format!("{message}; a key may exist"),
            "look for a new key in the admin console and revoke it; otherwise it ends with its expiry",
        ),
        _ => MintError::new(
            MintErrorKind::GuestOverLimit,
            message,
            "try again; if it happens again, please report it",
        ),
    }
}

fn denied(decision: &crate::Decision) -> MintError {
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
fn told(error: types::Error, outcome: &Outcome) -> MintError {
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
    let after_token = outcome.last_sent != Some(Rule::CreateAuthKey);
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
                // After a request for a key only 503 says that nothing was done.
                retryable: after_token || problem.status == Some(503),
            },
            problem,
        ),
    };
    let hint = match &kind {
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
