use std::{collections::BTreeMap, sync::Arc};

use http::Method;

use super::{
    Change, Outcome, Pushed, VaultError, VaultPath, VaultSettings, VaultTarget,
    answer::{Held, Reader, Wrote},
    client::{Call, Client},
    field::Field,
    subject::{RULE, VaultRequest},
    write::write,
};
use tailmint::event::{Observer, Unobserved};
use tailmint::policy::Policy;
use tailmint::{Interrupt, Secret};
use tailmint_api::OutsideText;
use tailmint_audit::{Actor, Audit, Context, Journal};
use tailmint_core::Decision;

/// A Vault that OAuth clients are delivered to.
pub struct Vault {
    settings: VaultSettings,
    policy: Policy,
    audit: Arc<dyn Audit>,
    actor: Actor,
    observer: Arc<dyn Observer>,
    interrupt: Interrupt,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// A Vault, if the policy names it. Whatever is sent is written down first.
    pub fn new(
        settings: VaultSettings,
        policy: Policy,
        audit: Arc<dyn Audit>,
        actor: Actor,
    ) -> Self {
        Self {
            settings,
            policy,
            audit,
            actor,
            observer: Arc::new(Unobserved),
            interrupt: Interrupt::default(),
        }
    }

    /// Tells the observer what happens.
    #[must_use]
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// Stops when the interrupt is raised, unless a write is under way.
    #[must_use]
    pub fn interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// Reads what is there, and writes the client where it is something else. The
    /// write goes through only if nobody wrote since; then it is read again and
    /// compared.
    ///
    /// # Errors
    /// The policy denies it, the Vault rejects it, or the current version is not
    /// `expected`.
    pub async fn push(
        &self,
        target: &VaultTarget,
        id: &str,
        secret: &Secret,
        expected: Option<u64>,
    ) -> Result<Pushed, VaultError> {
        let journal = self.journal()?;
        let push = self.begin(&journal, target, id, secret)?;
        let found = push.look(expected).await?;
        if found.is_unchanged() {
            return Ok(found);
        }
        push.write(found).await
    }

    /// Says what [`Vault::push`] would do.
    ///
    /// # Errors
    /// As there.
    pub async fn foresee(
        &self,
        target: &VaultTarget,
        id: &str,
        secret: &Secret,
        expected: Option<u64>,
    ) -> Result<Pushed, VaultError> {
        let journal = self.journal()?;
        let push = self.begin(&journal, target, id, secret)?;
        push.look(expected).await
    }

    fn journal(&self) -> Result<Journal, VaultError> {
        let context = Context {
            actor: self.actor.clone(),
            // No component is called, and no proxy is used.
            component: String::new(),
            policy: self.policy.digest().to_owned(),
            client: None,
            tailnet: None,
            connect_to: None,
            proxy: None,
            ca_file: self.settings.trust.origin().map(str::to_owned),
            request: None,
        };
        Journal::new(Some(Arc::clone(&self.audit)), context)
            .map_err(|_| VaultError::Internal("there are no random numbers"))
    }

    /// The policy decides about the address once, before any request.
    fn begin<'a>(
        &'a self,
        journal: &'a Journal,
        target: &'a VaultTarget,
        id: &'a str,
        secret: &'a Secret,
    ) -> Result<Push<'a>, VaultError> {
        let push = Push {
            client: Client::new(
                &self.settings,
                journal,
                Arc::clone(&self.observer),
                self.interrupt.clone(),
            ),
            reader: Reader {
                target,
                secrets: vec![secret, &self.settings.token],
            },
            namespace: self.settings.namespace.as_ref(),
            target,
            id,
            secret,
        };
        let Err(denial) = self.policy.check_vault(&self.settings.address) else {
            return Ok(push);
        };
        let decision = Decision::denied(RULE, denial.clone());
        let (host, path) = (self.settings.address.authority(), push.data_path());
        let subject = VaultRequest {
            decision: &decision,
            host: &host,
            method: &Method::GET,
            path: &path,
            bytes: 0,
        };
        journal.decision(&subject, &[])?;
        self.observer.observe(&subject.event());
        Err(VaultError::Denied(denial))
    }
}

/// One delivery under way.
struct Push<'a> {
    client: Client<'a>,
    reader: Reader<'a>,
    namespace: Option<&'a VaultPath>,
    target: &'a VaultTarget,
    id: &'a str,
    secret: &'a Secret,
}

impl Push<'_> {
    /// The namespace is a part of the path, not a header: a server without
    /// namespaces passes over the header, and has no such path.
    fn path(&self, rest: &str) -> String {
        match self.namespace {
            Some(namespace) => format!("/v1/{namespace}/{rest}"),
            None => format!("/v1/{rest}"),
        }
    }

    fn data_path(&self) -> String {
        let VaultTarget { mount, path } = self.target;
        self.path(&format!("{mount}/data/{path}"))
    }

    /// Compares what is there with the client.
    async fn look(&self, expected: Option<u64>) -> Result<Pushed, VaultError> {
        self.check_namespace().await?;
        let found = match self.read(None).await? {
            Held::Nothing => {
                self.check_mount().await?;
                self.compared(0, &BTreeMap::new())?
            }
            Held::Deleted { version, destroyed } => {
                return Err(VaultError::Deleted {
                    target: self.target.to_string(),
                    version,
                    destroyed,
                });
            }
            Held::Version { number, fields } => self.compared(number, &fields)?,
        };
        match expected {
            Some(expected) if expected != found.before => Err(VaultError::Overtaken {
                target: self.target.to_string(),
                expected,
                found: found.before,
            }),
            _ => Ok(found),
        }
    }

    async fn check_namespace(&self) -> Result<(), VaultError> {
        let Some(namespace) = self.namespace else {
            return Ok(());
        };
        let health = Call {
            with_token: false,
            ..Call::get("/v1/sys/health".to_owned())
        };
        let answer = self.client.send(&health).await?;
        if self.reader.lacks_namespaces(&answer)? {
            return Err(VaultError::NamespaceIgnored {
                namespace: namespace.to_string(),
            });
        }
        Ok(())
    }

    async fn check_mount(&self) -> Result<(), VaultError> {
        let mount = &self.target.mount;
        let path = self.path(&format!("sys/internal/ui/mounts/{mount}"));
        let answer = self.client.send(&Call::get(path)).await?;
        if self.reader.is_versioned(&answer)? {
            Ok(())
        } else {
            Err(VaultError::NotVersioned {
                mount: mount.to_string(),
            })
        }
    }

    async fn read(&self, version: Option<u64>) -> Result<Held, VaultError> {
        let path = match version {
            Some(version) => format!("{}?version={version}", self.data_path()),
            None => self.data_path(),
        };
        let answer = self.client.send(&Call::get(path)).await?;
        self.reader.held(&answer)
    }

    fn members(&self) -> [(&'static str, &str); 2] {
        [
            (VaultTarget::ID, self.id),
            (VaultTarget::SECRET, self.secret.expose_secret()),
        ]
    }

    /// What writing the client over these would change.
    fn compared(
        &self,
        version: u64,
        fields: &BTreeMap<String, Field>,
    ) -> Result<Pushed, VaultError> {
        let members = self.members();
        let others: Vec<_> = fields
            .keys()
            .filter(|name| members.iter().all(|(own, _)| own != name))
            .map(|name| self.reader.words(name))
            .collect();
        if !others.is_empty() {
            return Err(VaultError::OtherFields {
                target: self.target.to_string(),
                fields: others,
            });
        }
        let fields = members.map(|(name, value)| {
            let change = match fields.get(name) {
                None => Change::Added,
                Some(field) if field.is(value) => Change::Unchanged,
                Some(_) => Change::Changed,
            };
            (name, change)
        });
        let same = fields
            .iter()
            .all(|(_, change)| *change == Change::Unchanged);
        let (outcome, next) = if same {
            (Outcome::Unchanged, version)
        } else {
            // The version of no vault gets there.
            let next = version.checked_add(1).ok_or(VaultError::Malformed)?;
            (Outcome::WouldWrite, next)
        };
        Ok(Pushed {
            outcome,
            before: version,
            version: next,
            fields,
        })
    }

    async fn write(&self, found: Pushed) -> Result<Pushed, VaultError> {
        let call = Call {
            method: Method::POST,
            body: write(self.id, self.secret, found.before),
            secrets: vec![("client-secret", self.secret)],
            ..Call::get(self.data_path())
        };
        let answer = self.client.send(&call).await?;
        match self.reader.wrote(&answer)? {
            Wrote::Version(version) => {
                self.read_back(version)
                    .await
                    .map_err(|error| written_all_the_same(version, error))?;
                Ok(Pushed {
                    outcome: Outcome::Written,
                    version,
                    ..found
                })
            }
            Wrote::Overtaken => self.overtaken(found.before).await,
        }
    }

    async fn read_back(&self, version: u64) -> Result<(), VaultError> {
        match self.read(Some(version)).await? {
            Held::Version { number, fields }
                if number == version
                    && matches!(self.compared(number, &fields), Ok(same) if same.is_unchanged()) =>
            {
                Ok(())
            }
            _ => Err(VaultError::ReadBack {
                target: self.target.to_string(),
                version,
            }),
        }
    }

    /// Somebody else wrote meanwhile: the same, which is as good, or not.
    async fn overtaken(&self, expected: u64) -> Result<Pushed, VaultError> {
        let (found, pushed) = match self.read(None).await? {
            Held::Version { number, fields } => (number, self.compared(number, &fields).ok()),
            Held::Deleted { version, .. } => (version, None),
            Held::Nothing => (0, None),
        };
        match pushed {
            Some(pushed) if pushed.is_unchanged() => Ok(pushed),
            _ => Err(VaultError::Overtaken {
                target: self.target.to_string(),
                expected,
                found,
            }),
        }
    }
}

/// What went wrong after the write must not read as if there had been none.
fn written_all_the_same(version: u64, error: VaultError) -> VaultError {
    match error {
        VaultError::ReadBack { .. } => error,
        error => VaultError::OutcomeUnknown {
            detail: OutsideText::of(format_args!(
                "version {version} was written, but could not be read back: {error}"
            )),
        },
    }
}
