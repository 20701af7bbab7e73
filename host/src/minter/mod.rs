//! The library's main object: mints, reads and revokes auth keys, and makes and
//! ends the OAuth clients that it is done with.

mod attempt;
mod auth_key;
mod builder;
mod call;
mod client;
mod clients;
mod error;
#[cfg(feature = "benchmark")]
pub mod parts;
mod patience;
mod told;

pub use auth_key::{AuthKey, MintedKey};
pub use builder::MinterBuilder;
pub use client::{ClientDetails, NewClient, ScopeCheck};
pub use error::{MintError, MintErrorKind};

use std::{sync::Arc, time::Duration};

#[cfg(test)]
pub(crate) use patience::wait_asked;
use patience::{Patience, Verdict};

use crate::{
    Credential, Event, Failure, Interrupt, KeyId, KeyProperties, Observer, Operation, Tailnet,
    audit::{Audit, Context},
    egress::Connections,
    policy::{Errand, Intent, Policy},
    sandbox::Sandbox,
};

/// Mints, reads and revokes auth keys with the sandboxed component, and makes,
/// checks and deletes OAuth clients.
///
/// The component is loaded once in a process, when the first call needs it; each
/// call gets an instance of its own, which never sees a secret. Calls one after the
/// other share one connection, which the first of them begins to make before it
/// loads the component. Calls at the same time have connections of their own, up to
/// sixteen and the one that was begun, which are kept for later ones. What a call
/// returns can be spawned as a task. It can be dropped at any moment; where its request
/// has left by then, a key or a client may be left behind, and the audit has the
/// decision without an answer.
pub struct Minter {
    sandbox: Sandbox,
    connections: Arc<Connections>,
    observer: Arc<dyn Observer>,
    audit: Option<Arc<dyn Audit>>,
    context: Context,
    /// The built-in component with its digest, where it is not the one that runs.
    undoing: Option<(Sandbox, String)>,
    policy: Arc<Policy>,
    deadline: Duration,
    interrupt: Interrupt,
    patience: Patience,
}

impl Minter {
    /// What can be chosen about a minter: where it connects to, whom it trusts,
    /// who watches.
    pub fn builder() -> MinterBuilder {
        MinterBuilder::default()
    }

    /// Makes a new auth key.
    ///
    /// The request that makes the key is sent at most once unless the API says
    /// that it did not act on it. An error of the kind
    /// [`MintErrorKind::OutcomeUnknown`] means that a key may exist.
    pub async fn mint(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
        properties: &KeyProperties,
    ) -> Result<MintedKey, MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::Mint {
                properties: properties.clone(),
            },
        };
        self.patiently(true, || async {
            let (result, issued) = self.attempt_mint(credential, &intent).await;
            match result {
                Ok(_) if self.interrupt.is_raised() => {
                    let error = MintError::interrupted();
                    Err(self.abandon(credential, &intent, error, &issued).await)
                }
                Err(error) => Err(self.abandon(credential, &intent, error, &issued).await),
                minted => minted,
            }
        })
        .await
    }

    /// Describes an auth key, also one that is no longer valid.
    pub async fn get(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
        id: &KeyId,
    ) -> Result<AuthKey, MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::Get { id: id.clone() },
        };
        self.patiently(true, || async {
            self.attempt_get(credential, &intent, id).await
        })
        .await
    }

    /// Describes all auth keys that the credential may see.
    pub async fn list(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
    ) -> Result<Vec<AuthKey>, MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::List,
        };
        self.patiently(true, || self.attempt_list(credential, &intent))
            .await
    }

    /// Revokes an auth key: it joins no more machines. Those that have joined
    /// with it stay in.
    pub async fn revoke(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::Revoke { id: id.clone() },
        };
        self.patiently(false, || async {
            self.attempt_end(credential, &intent, id).await
        })
        .await
    }

    /// Connects to the API, and keeps the connection for what is asked next. No
    /// request is sent.
    ///
    /// # Errors
    /// The API's name is not found, or not public; nobody answers there; or the
    /// certificate is not good.
    pub async fn reach(&self) -> Result<(), Failure> {
        self.connections.reach().await
    }

    /// Calls until it succeeds, cannot succeed, or patience ends.
    async fn patiently<T, A>(
        &self,
        interruptible: bool,
        attempt: impl Fn() -> A,
    ) -> Result<T, MintError>
    where
        A: Future<Output = Result<T, MintError>>,
    {
        let mut waits = self.patience.start(self.deadline);
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match waits.next(&error) {
                Verdict::Again(wait) => {
                    self.observer.observe(&Event::Waiting {
                        reason: &error.message,
                        wait,
                    });
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.interrupt.raised(), if interruptible => {
                            return Err(MintError::interrupted());
                        }
                    }
                }
                Verdict::GiveUp => return Err(error),
            }
        }
    }

    /// Ends the keys or clients that the API gave out in a run that came to no
    /// result, and names those that could not be ended.
    async fn abandon(
        &self,
        credential: &Credential,
        intent: &Intent,
        mut error: MintError,
        issued: &[KeyId],
    ) -> MintError {
        for id in issued {
            let (id, client) = (id.clone(), intent.operation() == Operation::CreateClient);
            let undoing = Intent {
                tailnet: intent.tailnet.clone(),
                errand: if client {
                    Errand::DeleteClient { id: id.clone() }
                } else {
                    Errand::Revoke { id: id.clone() }
                },
            };
            let undone = self.attempt_undo(credential, &undoing, &id).await;
            error.left_behind(&id, client, undone.is_ok());
        }
        error
    }
}
