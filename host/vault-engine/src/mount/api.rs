use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tailmint::{Account, Credential, Interrupt, KeyProperties, Minter, Secret, Tailnet};
use tailmint_audit::{Audit, AuditError, AuditFile, Entry};
use tailmint_core::Environment;
use tailmint_operator::{
    Authorities, MinterSettings,
    credentials::CredentialError,
    identity::{IdentityError, IdentitySources, judge},
    policy_file,
};
use tailmint_policy::{Asking, Intent, Policy, RunPolicy, Task};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::block_in_place,
};

use super::{
    Failure,
    config::{Config, StoredCredential},
    handed_over::HandedOver,
    pending::Working,
};
use crate::arguments::Arguments;

/// How Tailscale's API is reached from this machine, under whose policy and with which
/// audit log.
pub(crate) struct Api {
    arguments: Arguments,
    environment: Environment,
    interrupt: Interrupt,
    /// What is at once: an instance of the component takes memory.
    permits: Semaphore,
    /// The requests that create something, from when they are written down until they are
    /// done or undone.
    pub(super) working: Working,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// What is read once in a process.
pub(super) struct Opened {
    pub(super) minter: Minter,
    pub(super) policy: Arc<Policy>,
    pub(super) audit_path: PathBuf,
    pub(super) handed_over: HandedOver,
    audit: Arc<dyn Audit>,
    settings: MinterSettings,
}

/// Vault's own limit for a request is 90 seconds: what a call left behind has to be revoked
/// within that too.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Calls at once; others wait.
pub(super) const CALLS: usize = 16;

impl Api {
    pub(crate) fn new(
        arguments: Arguments,
        environment: Environment,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            arguments,
            environment,
            interrupt,
            permits: Semaphore::new(CALLS),
            working: Working::default(),
            opened: Mutex::default(),
        }
    }

    /// Whether something is being created or undone.
    pub(crate) fn is_working(&self) -> bool {
        self.working.is_any()
    }

    /// Waits until one more call can be made.
    pub(super) async fn permit(&self) -> SemaphorePermit<'_> {
        self.permits.acquire().await.expect("it is never closed")
    }

    /// The minter with what it works under. It is tried anew until it can be had: a mount
    /// whose engine does not start is worse than one that says what is wrong.
    pub(super) fn opened(&self) -> Result<Arc<Opened>, Failure> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Arc::clone(opened));
        }
        let new = Arc::new(self.open()?);
        *opened = Some(Arc::clone(&new));
        Ok(new)
    }

    fn open(&self) -> Result<Opened, Failure> {
        let policy = policy_file::load(self.arguments.policy.as_deref(), &self.environment);
        let policy = policy.map_err(|error| Failure::of(&error))?;
        if policy.requires_confinement() {
            let hint = "write confinement = \"best-effort\" on a server whose Vault may reach Tailscale's API without it";
            return Err(Failure::Internal(format!(
                "the policy of this machine requires that what speaks to the network is confined, and the secrets engine is not\nhint: {hint}"
            )));
        }
        let usual = || AuditFile::default_path(&self.environment);
        let path = self.arguments.audit_file.clone().or_else(usual);
        let path = path.ok_or_else(|| {
            let hint = "register the plugin with -args=--audit-file=FILE";
            Failure::Internal(format!("{}\nhint: {hint}", AuditFile::NO_PATH))
        })?;
        let audit = AuditFile::open(path.clone()).map_err(|error| Failure::of(&error))?;
        let audit: Arc<dyn Audit> = Arc::new(Patient(audit));
        let handed_over = HandedOver::beside(&path).map_err(|error| {
            Failure::Internal(format!("the directory beside {}: {error}", path.display()))
        })?;
        let settings = MinterSettings {
            connect_to: self.arguments.connect_to.clone(),
            authorities: match &self.arguments.ca_file {
                Some(file) => Some(Authorities::File(file.clone())),
                None => self.arguments.system_certs.then_some(Authorities::System),
            },
            interrupt: self.interrupt.clone(),
            environment: self.environment.clone(),
            ..MinterSettings::default()
        };
        let builder = settings.builder(policy.clone(), Arc::clone(&audit));
        let builder = builder.map_err(|error| Failure::of(&error))?;
        let minter = builder.deadline(CALL_LIMIT).build();
        Ok(Opened {
            minter: minter.map_err(|error| Failure::of(&error))?,
            policy: Arc::new(policy),
            audit_path: path,
            handed_over,
            audit,
            settings,
        })
    }

    /// Who asks, for this request of Vault.
    pub(super) async fn account(&self, config: &Config, request: &str) -> Result<Account, Failure> {
        let credential = match &config.credential {
            StoredCredential::OauthClient {
                client_id,
                client_secret,
            } => Credential::OauthClient {
                id: client_id.to_string(),
                secret: Secret::new(client_secret.to_string()),
            },
            StoredCredential::FederatedIdentity { client_id, .. } => {
                Credential::FederatedIdentity {
                    client_id: client_id.clone(),
                    id_token: self.id_token(config, request).await?,
                }
            }
        };
        let account = Account::new(credential).with_tailnet(config.tailnet.clone());
        Ok(match request {
            // What Vault does by itself has no number.
            "" => account,
            request => account.for_request(request),
        })
    }

    async fn id_token(&self, config: &Config, request: &str) -> Result<Secret, Failure> {
        let opened = self.opened()?;
        let identity = config
            .identity()
            .ok_or_else(|| Failure::Internal("there is no federated identity".to_owned()))?;
        let audience = identity.audience.as_str();
        let mut sources =
            IdentitySources::new(Some(&opened.policy), &self.environment, &self.interrupt)
                .audit(Arc::clone(&opened.audit))
                .for_request(request);
        let trust = opened.settings.trust();
        if let Some(trust) = trust.map_err(|error| Failure::of(&error))? {
            sources = sources.trust(trust);
        }
        let of = |error: IdentityError| Failure::of(&CredentialError::from(error));
        let fetched = sources
            .fetch(&identity.source, identity.client_id.as_str(), audience)
            .await
            .map_err(of)?;
        let unfit = judge(&fetched.token, audience, Timestamp::now());
        match unfit.into_iter().next() {
            Some(unfit) => Err(of(IdentityError::unfit(&identity.source, unfit))),
            None => Ok(fetched.token.text().clone()),
        }
    }
}

/// An audit log that lets other requests go on while it waits: for the disk, and up to half a
/// minute for another process that has the file locked.
struct Patient(AuditFile);

impl Audit for Patient {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        block_in_place(|| self.0.append(entry))
    }

    fn fingerprint(&self, secret: &Secret) -> Option<String> {
        self.0.fingerprint(secret)
    }
}

impl Opened {
    /// Whether the policy of this machine lets such a key be minted. Nothing is sent for it.
    pub(super) fn allows(&self, tailnet: &Tailnet, key: &KeyProperties) -> Result<(), Failure> {
        let properties = key.clone();
        let intent = Intent::new(tailnet.clone(), Task::Mint { properties });
        let run = RunPolicy::new(Arc::clone(&self.policy), intent, Asking::ApiKey);
        let Some((decision, _)) = run.foresee() else {
            return Ok(());
        };
        let Some(denial) = &decision.denial else {
            // It is reported only.
            return Ok(());
        };
        let message = format!(
            "the policy of this machine denies it by rule {}: {denial}",
            decision.rule
        );
        Err(match &denial.remedy {
            Some(remedy) => Failure::caller(message, remedy),
            None => Failure::Caller(message),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        time::{Duration, Instant},
    };

    use crate::mount::{Reply, stage::Stage};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn others_go_on_while_the_audit_log_is_waited_for() {
        let stage = Stage::new().await;
        let opened = stage.mount.api.opened().unwrap();
        let held = File::open(&opened.audit_path).unwrap();
        held.lock().unwrap();
        let mints = async {
            let mint = |request| stage.ask("read", "creds/web", request);
            tokio::join!(mint("a"), mint("b"), mint("c"))
        };
        let others = async {
            let begun = Instant::now();
            while stage.storage.names("wal/").len() < 3 {
                assert!(begun.elapsed().as_secs() < 20, "they wait");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(stage.ask("read", "config", "d").await.is_ok());
            assert!(stage.alive().is_empty());
            held.unlock().unwrap();
        };
        let ((a, b, c), ()) = tokio::join!(mints, others);
        for minted in [a, b, c] {
            assert!(matches!(minted, Ok(Reply::Key(_))));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_sent_where_the_policy_requires_a_confined_process() {
        let mut stage = Stage::new().await;
        stage.restart_under("confinement = \"required\"").await;
        for path in ["creds/web", "config/check"] {
            let failure = stage.ask("read", path, "a").await.err().unwrap();
            let text = failure.text();
            assert!(text.contains("requires that what speaks"), "{text}");
        }
        assert!(stage.simulator.requests().is_empty());
    }
}
