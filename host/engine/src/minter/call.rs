//! One call of the component: its run, its limits, its end.

use std::{sync::Arc, time::Duration};

use tailmint_api::{Effect, KeyId, says_deleted};
use tailmint_audit::{Context, Journal};
use tailmint_policy::{Asking, Intent, RunPolicy};

use super::{
    MintError, Minter, Told,
    failure::{from_component, from_fault, invalid_result, timed_out},
};
use crate::{
    Account, Credential,
    egress::{Run, Seen},
    sandbox::{Guest, Sandbox, types},
    seal::Seals,
};

/// The time that a whole call has, with every wait and retry: a backstop, longer than the
/// limits of a connection and of the two requests on it.
pub(super) const RUN_LIMIT: Duration = Duration::from_mins(1);

/// An instance of the component that is called, with the first of its arguments.
pub(super) struct Called {
    pub(super) guest: Guest,
    /// The credential as the component sees it.
    pub(super) credential: types::Credential,
    pub(super) tailnet: String,
}

impl Minter {
    /// A run for the intent, under the digest of the component that runs, and the
    /// credential as the component sees it.
    pub(crate) fn run(
        &self,
        digest: &str,
        account: &Account,
        intent: &Intent,
    ) -> Result<(Arc<Run>, types::Credential), MintError> {
        let internal = |error: getrandom::Error| MintError::internal(&error.to_string());
        let mut seals = Seals::default();
        // What is asked about the exchange itself is not asked with what another led to.
        let kept = match &account.credential {
            Credential::FederatedIdentity {
                client_id,
                id_token,
            } if !intent.rule().is_for_token() => self.exchanged.token(client_id, id_token),
            _ => None,
        };
        let sealed = match (&account.credential, &kept) {
            (Credential::ApiKey { key }, _) | (Credential::FederatedIdentity { .. }, Some(key)) => {
                let key = seals.bearer(key.clone()).map_err(internal)?;
                types::Credential::ApiKey(key.as_str().to_owned())
            }
            (Credential::OauthClient { id, secret }, _) => {
                let secret = seals.client_secret(secret.clone()).map_err(internal)?;
                let client = types::OauthClient {
                    id: id.clone(),
                    secret: secret.as_str().to_owned(),
                };
                types::Credential::OauthClient(client)
            }
            (
                Credential::FederatedIdentity {
                    client_id,
                    id_token,
                },
                None,
            ) => {
                let id_token = seals.id_token(id_token.clone()).map_err(internal)?;
                types::Credential::FederatedIdentity(types::FederatedIdentity {
                    client_id: client_id.to_string(),
                    id_token: id_token.as_str().to_owned(),
                })
            }
        };
        let client_id = account.credential.asking();
        let asking = match kept {
            Some(_) => Asking::ApiKey,
            None => client_id.clone(),
        };
        let context = Context {
            component: digest.to_owned(),
            client: client_id.client_id().map(ToOwned::to_owned),
            tailnet: Some(account.tailnet.to_string()),
            request: account.request.clone(),
            ..self.context.clone()
        };
        let run = Run::new(
            RunPolicy::new(Arc::clone(&self.policy), intent.clone(), asking),
            seals,
            Arc::clone(&self.connections),
            Arc::clone(&self.observer),
            Journal::new(self.audit.clone(), context).map_err(internal)?,
        );
        Ok((Arc::new(run), sealed))
    }

    /// Calls the component under a limit for the whole run.
    pub(super) async fn call<T, C>(
        &self,
        sandbox: &Sandbox,
        run: &Arc<Run>,
        limit: Duration,
        call: impl FnOnce(Guest) -> C,
    ) -> Result<T, MintError>
    where
        C: Future<Output = Told<T>>,
    {
        if sandbox.asks_at_once() {
            self.connections.begin().await;
        }
        let calling = sandbox.call(Arc::clone(run), call);
        let calling = tokio::time::timeout(limit, calling);
        tokio::pin!(calling);
        let called = tokio::select! {
            called = &mut calling => called,
            // A request that does anything but read is not abandoned: its outcome
            // must be known.
            () = self.interrupt.raised(), if run.is_interruptible() => {
                let sent = run.outcome().last_sent;
                if !sent.is_some_and(|rule| rule.effect().is_change()) {
                    return Err(MintError::interrupted());
                }
                calling.await
            }
        };
        match called {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(from_component(error, &run.outcome(), run.rule())),
            Ok(Err(fault)) => Err(from_fault(&fault, &run.outcome())),
            Err(_) => Err(timed_out(self.deadline)),
        }
    }
}

/// Accepts that something was deleted only where the host saw it happen.
pub(super) fn deleted(run: &Run, (): ()) -> Result<(), MintError> {
    let done = |seen: &Seen| {
        seen.rule.effect() == Effect::Deletes && seen.status == 200 && says_deleted(&seen.body)
    };
    if run.outcome().last_response().is_some_and(done) {
        Ok(())
    } else {
        Err(invalid_result("it reports a deletion that did not happen"))
    }
}

/// The id of something that the API describes.
pub(super) fn id_of(id: &str) -> Result<KeyId, MintError> {
    id.parse()
        .map_err(|_| invalid_result("it returned an invalid id"))
}
