//! One call of the component: its run, its limits, its end.

use std::{sync::Arc, time::Duration};

use super::{
    MintError, Minter,
    told::{overdue, stopped, told},
};
use crate::{
    Credential,
    audit::{Context, Journal},
    egress::Run,
    policy::{Intent, Rule, RunPolicy},
    sandbox::{Guest, Sandbox, types},
    seal::Seals,
};

/// The time that a whole call has, with every wait and retry. Twice the limits
/// of its two requests, so that it only ends what does not end by itself.
pub(super) const RUN_LIMIT: Duration = Duration::from_mins(1);

impl Minter {
    /// A run for the intent, and the credential as the component sees it.
    pub(super) fn run(
        &self,
        credential: &Credential,
        intent: &Intent,
    ) -> Result<(Arc<Run>, types::Credential), MintError> {
        self.run_of(&self.context.component, credential, intent)
    }

    /// The same for the component with this digest.
    pub(super) fn run_of(
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
            Arc::clone(&self.connections),
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
    pub(super) async fn call<T>(
        &self,
        run: &Arc<Run>,
        call: impl AsyncFnOnce(Guest) -> Result<Result<T, types::Error>, wasmtime::Error>,
    ) -> Result<T, MintError> {
        self.call_in(&self.sandbox, run, call).await
    }

    pub(super) async fn call_in<T>(
        &self,
        sandbox: &Sandbox,
        run: &Arc<Run>,
        call: impl AsyncFnOnce(Guest) -> Result<Result<T, types::Error>, wasmtime::Error>,
    ) -> Result<T, MintError> {
        if sandbox.asks_at_once() {
            self.connections.begin().await;
        }
        let calling = sandbox.call(Arc::clone(run), call);
        let calling = tokio::time::timeout(self.deadline, calling);
        tokio::pin!(calling);
        let called = tokio::select! {
            called = &mut calling => called,
            // A request that makes, changes or ends something is not given up on: what
            // came of it must be known.
            () = self.interrupt.raised(), if run.is_interruptible() => {
                if !run.outcome().last_sent.is_some_and(Rule::changes) {
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
