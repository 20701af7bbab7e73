//! The library's main object: creates, reads and revokes auth keys, and the OAuth clients
//! and federated identities that keys are minted with.

mod auth_key;
mod auth_keys;
mod builder;
mod call;
mod evidence;
mod exchanged;
mod failure;
mod federated_identities;
mod federated_identity;
mod granted;
mod mint_error;
mod oauth_client;
mod oauth_clients;
mod retry;

pub use auth_key::{AuthKey, MintedKey};
pub use builder::MinterBuilder;
pub use federated_identity::{IdentityDetails, IdentityGrant};
pub use mint_error::{LeftBehind, MintError, MintErrorKind};
pub use oauth_client::{ClientDetails, NewClient, ScopeCheck};
#[cfg(feature = "__internals")]
pub use retry::wait_asked;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use call::Called;
use exchanged::Exchanged;
use failure::{perhaps_changed, policy_denied, settled};
use retry::Backoff;
use tailmint_api::{Effect, KeyId, Kind};
use tailmint_audit::{Audit, Context};
use tailmint_core::{Event, Failure, Interrupt, Observer};
use tailmint_policy::{Intent, Policy, Task};

use crate::{
    Account, Credential,
    egress::{Connections, Run},
    sandbox::{Sandbox, types},
};

/// Creates, reads and revokes auth keys with the sandboxed component, and creates, checks
/// and deletes OAuth clients and federated identities.
///
/// The component is loaded once in a process, when the first call needs it; each call gets
/// an instance of its own, which never sees a secret. Calls one after the other share one
/// connection, which the first of them begins to make before it loads the component.
/// Calls at the same time have connections of their own, up to sixteen and the one that
/// was begun, which are kept for later ones. What a call returns can be spawned as a task.
/// It can be dropped at any moment; where its request was sent by then, a key or a client
/// may be left behind, and the audit log has the decision without a response.
pub struct Minter {
    runner: Runner,
    /// The built-in component, for clean-up where another one runs.
    cleaner: Option<Runner>,
    connections: Arc<Connections>,
    observer: Arc<dyn Observer>,
    audit: Option<Arc<dyn Audit>>,
    context: Context,
    policy: Arc<Policy>,
    deadline: Duration,
    interrupt: Interrupt,
    backoff: Backoff,
    exchanged: Exchanged,
}

/// A component that may run, and its digest.
struct Runner {
    sandbox: Sandbox,
    digest: String,
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("component", &self.runner.digest)
            .field("policy", &self.policy.digest())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// How one call of the component ended.
struct Attempt<T> {
    result: Result<T, MintError>,
    /// What the API created, which is to be deleted where there is no result.
    issued: Vec<KeyId>,
    /// Whether there may be something whose id is not known, or that was changed without a
    /// word.
    is_open: bool,
}

impl<T> Attempt<T> {
    /// It failed before anything was sent.
    fn failed(error: MintError) -> Self {
        Self {
            result: Err(error),
            issued: Vec::new(),
            is_open: false,
        }
    }

    fn may_have_changed(&self) -> bool {
        self.is_open || !self.issued.is_empty()
    }
}

/// What a call of the component resulted in, by the component's own word.
type Told<T> = Result<Result<T, types::Error>, wasmtime::Error>;

impl Minter {
    /// What can be chosen about a minter: where it connects to, whom it trusts, who
    /// watches.
    pub fn builder() -> MinterBuilder {
        MinterBuilder::default()
    }

    /// The SHA-256 of the component that runs, in hexadecimal digits.
    pub fn component(&self) -> &str {
        &self.runner.digest
    }

    /// The policy that it enforces.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Connects to the API, and keeps the connection for what is asked next. No request
    /// is sent.
    ///
    /// # Errors
    /// The API's name is not found, or not public; nobody listens there; or the
    /// certificate is not good.
    pub async fn reach(&self) -> Result<(), Failure> {
        self.connections.reach().await
    }

    /// How many seconds the API's clock was ahead of this machine's when its last response
    /// came; less than zero where it was behind. `None` before the first response, and where
    /// no response says the time.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.connections.clock_ahead()
    }

    /// Carries out one operation: calls the component under the policy, accepts of its
    /// result what the host saw happen, deletes what a failed call left behind, and
    /// calls again where a wait may help.
    async fn perform<T, U, C>(
        &self,
        account: &Account,
        task: Task,
        call: impl Fn(Called) -> C,
        accept: impl Fn(&Run, U) -> Result<T, MintError>,
    ) -> Result<T, MintError>
    where
        C: Future<Output = Told<U>>,
    {
        let intent = Intent::new(account.tailnet.clone(), task);
        let effect = intent.rule().effect();
        let creates = effect.creates();
        let begun = Instant::now();
        let mut retry = self.backoff.start(self.deadline);
        loop {
            let left = self.deadline.saturating_sub(begun.elapsed());
            let attempt = self
                .attempt(&self.runner, account, &intent, left, &call, &accept)
                .await;
            // Whatever the component says: what was created or changed, or may have been, is
            // not created or changed once more.
            let is_over = attempt.may_have_changed();
            let mut error = match attempt.result {
                // A key is of no use to somebody who has gone away.
                Ok(_) if creates == Some(Kind::AuthKey) && self.interrupt.is_raised() => {
                    MintError::interrupted()
                }
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let is_told = error.kind == MintErrorKind::NotAsAsked;
            if let (Effect::Changes, true, false) = (effect, attempt.is_open, is_told) {
                error = perhaps_changed(error);
            }
            if let Some(kind) = creates {
                error = settled(error, kind, &attempt.issued, attempt.is_open);
                for id in attempt.issued {
                    let left = self.delete_left_behind(account, kind, id).await;
                    error.left_behind.push(left);
                }
            }
            let Some(wait) = retry.next(&error).filter(|_| !is_over) else {
                return Err(error);
            };
            self.observer.observe(&Event::Waiting {
                reason: &error.message,
                wait,
            });
            self.wait(&intent, wait).await?;
        }
    }

    async fn wait(&self, intent: &Intent, wait: Duration) -> Result<(), MintError> {
        let interruptible = intent.rule().effect() != Effect::Deletes;
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.interrupt.raised(), if interruptible => Err(MintError::interrupted()),
        }
    }

    /// Calls the component once, for at most this long.
    async fn attempt<T, U, C>(
        &self,
        runner: &Runner,
        account: &Account,
        intent: &Intent,
        limit: Duration,
        call: &impl Fn(Called) -> C,
        accept: &impl Fn(&Run, U) -> Result<T, MintError>,
    ) -> Attempt<T>
    where
        C: Future<Output = Told<U>>,
    {
        let (run, credential) = match self.run(&runner.digest, account, intent) {
            Ok(prepared) => prepared,
            Err(error) => return Attempt::failed(error),
        };
        if let Some(decision) = run.foresee() {
            return Attempt::failed(policy_denied(decision));
        }
        let tailnet = intent.tailnet.as_str().to_owned();
        let call = |guest| {
            call(Called {
                guest,
                credential,
                tailnet,
            })
        };
        let told = self.call(&runner.sandbox, &run, limit, call).await;
        let (issued, is_open) = run.end();
        self.keep_exchanged(account, &run);
        let result = told.and_then(|told| accept(&run, told));
        if matches!(&result, Err(error) if error.kind == MintErrorKind::InvalidCredential) {
            self.exchanged.forget();
        }
        Attempt {
            result,
            issued,
            is_open,
        }
    }

    /// Keeps what an identity token was exchanged for.
    fn keep_exchanged(&self, account: &Account, run: &Run) {
        if let Credential::FederatedIdentity {
            client_id,
            id_token,
        } = &account.credential
            && let Some((token, lives)) = run.exchanged()
        {
            self.exchanged.keep((client_id, id_token), token, lives);
        }
    }

    /// Revokes the key or deletes what else a failed call left behind, by the
    /// built-in component where that may run: the one that left it behind is not asked.
    async fn delete_left_behind(&self, account: &Account, kind: Kind, id: KeyId) -> LeftBehind {
        let runner = self.cleaner.as_ref().unwrap_or(&self.runner);
        let task = match kind {
            Kind::AuthKey => Task::Revoke { id: id.clone() },
            Kind::OauthClient => Task::DeleteClient { id: id.clone() },
            Kind::FederatedIdentity => Task::DeleteIdentity { id: id.clone() },
        };
        let intent = Intent::new(account.tailnet.clone(), task);
        let id_of = &id;
        let call = |called: Called| async move {
            match kind {
                Kind::AuthKey => auth_keys::revoke(called, id_of).await,
                Kind::OauthClient => oauth_clients::delete(called, id_of).await,
                Kind::FederatedIdentity => federated_identities::delete(called, id_of).await,
            }
        };
        let limit = self.deadline;
        let attempt = self.attempt(runner, account, &intent, limit, &call, &call::deleted);
        LeftBehind {
            kind,
            is_deleted: attempt.await.result.is_ok(),
            id,
        }
    }
}

#[cfg(feature = "__internals")]
impl Minter {
    /// A run of the component that this minter runs.
    pub(crate) fn run_own(
        &self,
        account: &Account,
        intent: &Intent,
    ) -> Result<(Arc<Run>, types::Credential), MintError> {
        self.run(&self.runner.digest, account, intent)
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.runner.sandbox
    }

    /// Has this connection to the API, which exists already and needs no TLS.
    pub(crate) async fn connect_over<S>(&mut self, stream: S) -> Result<(), hyper::Error>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let connections = Connections::over(self.connections.connector(), stream).await?;
        self.connections = Arc::new(connections);
        Ok(())
    }
}
