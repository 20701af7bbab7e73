//! The parts of a mint, one by one, for benchmarks.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use tailmint_api::{KeyId, KeyProperties, Rule};
use tailmint_audit::{Actor, Audit, AuditError, AuditEvent, Context, Verdict};
use tailmint_core::Secret;
use tailmint_policy::{Intent, Task};
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

pub use crate::minter::wait_asked;

use crate::{
    Account, MintError, Minter, MinterBuilder,
    egress::{ApiResponse, Run},
    sandbox::{Linked, types},
    seal::Seals,
};

/// One call's way out, for logic that is not in the sandbox: the same policy, seals and
/// audit.
pub struct Unsandboxed {
    run: Arc<Run>,
    /// The id of the OAuth client, and what stands for its secret.
    pub client: (String, String),
}

impl Unsandboxed {
    /// Sends a request as one of the component's is sent.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, String> {
        let (parts, body) = request.into_parts();
        let passed = self.run.pass(&parts, &body).await;
        passed.map_err(|error| format!("{error:?}"))
    }
}

impl MinterBuilder {
    /// A minter that has this connection to the API, which is made already and
    /// needs no TLS.
    pub async fn build_over<S>(self, stream: S) -> Result<Minter, MintError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut minter = self.build()?;
        minter
            .connect_over(stream)
            .await
            .map_err(|error| MintError::internal(&error.to_string()))?;
        Ok(minter)
    }
}

impl Minter {
    /// A mint without the sandbox.
    pub fn unsandboxed(
        &self,
        account: &Account,
        properties: &KeyProperties,
    ) -> Result<Unsandboxed, MintError> {
        let task = Task::Mint {
            properties: properties.clone(),
        };
        let intent = Intent::new(account.tailnet.clone(), task);
        match self.run_own(account, &intent)? {
            (run, types::Credential::OauthClient(client)) => Ok(Unsandboxed {
                run,
                client: (client.id, client.secret),
            }),
            _ => Err(MintError::internal("it takes an OAuth client")),
        }
    }

    /// Makes an instance of the component, and drops it.
    pub async fn instantiate(&self, account: &Account) -> Result<(), MintError> {
        let intent = Intent::new(account.tailnet.clone(), Task::List);
        let (run, _) = self.run_own(account, &intent)?;
        let instance = self.sandbox().instance(run).await;
        instance
            .map(drop)
            .map_err(|fault| MintError::internal(&fault.to_string()))
    }
}

/// What the first start in a process takes: the engine, the component's code, what
/// the component is linked with. To be called before there is a minter.
pub fn start() -> Result<[Duration; 3], String> {
    Linked::in_steps().map_err(|error| format!("{error:#}"))
}

/// Loads the component, where no call has.
pub fn load() -> Result<(), String> {
    let loaded = Linked::built_in().map(drop);
    loaded.map_err(|error| format!("{error:#}"))
}

/// Seals a secret and opens it again.
pub fn seal(secret: Secret) -> Result<(), String> {
    let mut seals = Seals::default();
    let placeholder = seals.bearer(secret).map_err(|error| error.to_string())?;
    let opened = seals.open_bearer(placeholder.as_str());
    opened.map(|_| ()).map_err(|refusal| refusal.to_string())
}

/// Appends the decision about a request, which is waited for until it is on disk if
/// the request changes something.
pub fn append(audit: &dyn Audit, actor: &Actor, changes: bool) -> Result<(), AuditError> {
    let digest = "0".repeat(64);
    let context = Context {
        actor: actor.clone(),
        component: digest.clone(),
        policy: digest,
        client: None,
        tailnet: None,
        connect_to: None,
        proxy: None,
        ca_file: None,
    };
    let mut entry = context.entry("0123456789abcdef", AuditEvent::Decision, "mint");
    entry.decision = Verdict::Allow;
    entry.changes = changes;
    audit.append(&entry)
}

/// The seals of a run.
#[derive(Default)]
pub struct Sealing(Seals);

impl Sealing {
    /// Seals the secret of an OAuth client.
    pub fn client_secret(&mut self, secret: Secret) -> Result<String, getrandom::Error> {
        let placeholder = self.0.client_secret(secret)?;
        Ok(placeholder.as_str().to_owned())
    }

    /// Seals a secret that is sent as bearer.
    pub fn bearer(&mut self, secret: Secret) -> Result<String, getrandom::Error> {
        let placeholder = self.0.bearer(secret)?;
        Ok(placeholder.as_str().to_owned())
    }

    /// Whether this is sent as bearer in place of a secret.
    pub fn opens_bearer(&self, text: &str) -> bool {
        self.0.open_bearer(text).is_ok()
    }

    /// The text with all parts of the secrets replaced.
    pub fn redact(&self, text: &str) -> String {
        self.0.redact(text)
    }

    /// What the API gave out behind the placeholder: its id, and the secret.
    pub fn open_result(&self, text: &str) -> Option<(KeyId, Secret)> {
        self.0
            .open_result(text)
            .map(|issued| (issued.id, issued.key))
    }

    /// The response to a request of the rule as the component sees it.
    pub fn response(
        &mut self,
        rule: Rule,
        (status, headers, body): (StatusCode, HeaderMap, Vec<u8>),
    ) -> Result<Response<Bytes>, getrandom::Error> {
        let response = ApiResponse {
            status,
            headers,
            body: Zeroizing::new(body),
        };
        response.seal(rule, &mut self.0)
    }
}
