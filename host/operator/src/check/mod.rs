//! Checks configuration, policy, audit log, the files of the secrets, the connection to
//! the API, the scopes that the API grants, and `tailscale`, in this order.
//! Mints nothing.

mod api;
mod finding;
mod grants;
mod machine;

pub use finding::{Finding, Grade};

use std::{path::PathBuf, sync::Arc};

use crate::config::Config;
use crate::credentials::{Asked, Lookup, SecretsDir};
use crate::{MinterSettings, MinterSettingsError, Profile, ProfileCredential};
use tailmint::Minter;
use tailmint::policy::Policy;
use tailmint_audit::{Audit, AuditFile};

/// What is to be looked at, with the same choices as for a mint.
#[derive(Default)]
pub struct Check {
    /// The configuration file, where it is not the usual one.
    pub config: Option<PathBuf>,
    /// The policy file, likewise.
    pub policy: Option<PathBuf>,
    /// The audit file, likewise.
    pub audit_file: Option<PathBuf>,
    /// The secrets directory, likewise.
    pub secrets_dir: Option<PathBuf>,
    /// The profiles; the default one where none is named.
    pub profiles: Vec<String>,
    /// All profiles that there are.
    pub all: bool,
    /// How the API is reached, and with which component.
    pub minter: MinterSettings,
    /// What to ask with instead of the credentials of the profiles.
    pub credential: Option<ProfileCredential>,
    /// The `tailscale` command, where it is not the first in `$PATH`.
    pub tailscale: Option<PathBuf>,
    /// The socket of `tailscaled`, where it is not the usual one.
    pub socket: Option<PathBuf>,
}

impl Check {
    /// Looks at one thing after the other, and tells each as it is found.
    pub async fn run(&self, tell: &mut dyn FnMut(&Finding)) {
        let config = self.config(tell);
        let policy = self.policy(tell);
        let audit = self.audit(config.as_ref(), tell);
        if let Some(config) = config {
            let minter = match (&policy, &audit) {
                (Some(policy), Some(audit)) => {
                    self.minter(&config, policy.clone(), Arc::clone(audit), tell)
                }
                // What is not written down is not sent.
                _ => None,
            };
            let reached = match &minter {
                Some(minter) => api::reach(minter, &self.minter.environment, tell).await,
                None => false,
            };
            let reached = minter.as_ref().filter(|_| reached);
            let (policy, audit) = (policy.as_ref(), audit.as_ref());
            self.profiles(&config, policy, audit, reached, tell).await;
        }
        self.tailscale(tell).await;
    }

    fn minter(
        &self,
        config: &Config,
        policy: Policy,
        audit: Arc<dyn Audit>,
        tell: &mut dyn FnMut(&Finding),
    ) -> Option<Minter> {
        let settings = MinterSettings {
            configured_authorities: config.authorities().cloned(),
            ..self.minter.clone()
        };
        let builder = match settings.builder(policy, audit) {
            Ok(builder) => builder,
            Err(error) => {
                let subject = match &error {
                    MinterSettingsError::Component { .. } => "component",
                    MinterSettingsError::Proxy(_) => "proxy",
                    MinterSettingsError::Authorities(_) => "trust",
                };
                tell(&Finding::from_error(subject, &error));
                return None;
            }
        };
        match builder.build() {
            Ok(minter) => {
                let digest = minter.component();
                let message = format!("the policy lets sha256:{digest} run");
                tell(&Finding::passed("component", message));
                Some(minter)
            }
            Err(error) => {
                tell(&Finding::from_error("component", &error));
                None
            }
        }
    }

    async fn profiles(
        &self,
        config: &Config,
        policy: Option<&Policy>,
        audit: Option<&Arc<dyn Audit>>,
        minter: Option<&Minter>,
        tell: &mut dyn FnMut(&Finding),
    ) {
        let directory = match SecretsDir::find(
            self.secrets_dir.as_deref(),
            config.secrets_dir(),
            &self.minter.environment,
        ) {
            Ok(directory) => directory,
            Err(error) => {
                tell(&Finding::from_error("secrets", &error));
                return;
            }
        };
        let settings = MinterSettings {
            configured_authorities: config.authorities().cloned(),
            ..self.minter.clone()
        };
        // What is wrong with them was told with the minter.
        let trust = settings.trust().ok().flatten();
        let credentials = Lookup {
            directory: &directory,
            environment: &self.minter.environment,
            policy,
            interrupt: &self.minter.interrupt,
            asked: Asked {
                audit,
                observer: self.minter.observer.as_ref(),
                trust: trust.as_ref(),
            },
        };
        for profile in self.chosen(config, tell) {
            let asked = self.asked_with(profile);
            let profile = asked.as_ref().unwrap_or(profile);
            let account = Self::account(profile, &credentials, tell).await;
            if let (Some(account), Some(minter)) = (account, minter) {
                grants::look(minter, profile, &account, tell).await;
            }
        }
    }

    /// The profile with the credential that was given instead of its own.
    fn asked_with(&self, profile: &Profile) -> Option<Profile> {
        let credential = self.credential.clone()?;
        Some(Profile {
            credential,
            ..profile.clone()
        })
    }

    fn chosen<'a>(&self, config: &'a Config, tell: &mut dyn FnMut(&Finding)) -> Vec<&'a Profile> {
        if self.all {
            return config.profiles().iter().collect();
        }
        let names = self.profiles.iter().map(|name| Some(name.as_str()));
        let names: Vec<_> = if self.profiles.is_empty() {
            vec![None]
        } else {
            names.collect()
        };
        let mut chosen = Vec::new();
        for name in names {
            match config.profile(name) {
                Ok(profile) => chosen.push(profile),
                Err(error) => {
                    tell(&Finding::from_error("profile", &error));
                }
            }
        }
        chosen
    }

    fn audit(
        &self,
        config: Option<&Config>,
        tell: &mut dyn FnMut(&Finding),
    ) -> Option<Arc<dyn Audit>> {
        let usual = || AuditFile::default_path(&self.minter.environment);
        let Some(path) = self.audit_file.clone().or_else(usual) else {
            tell(&Finding::failed(
                "audit",
                AuditFile::NO_PATH,
                Some("give --audit-file FILE".to_owned()),
                tailmint::Class::Policy,
            ));
            return None;
        };
        let opened = AuditFile::open(path.clone()).and_then(|file| {
            let found = tailmint_audit::verify(&path)?;
            let file = match config {
                Some(config) => config.apply_to(file)?,
                None => file,
            };
            Ok((file, found))
        });
        match opened {
            Ok((file, found)) => {
                let shown = path.display();
                tell(&match found.breaks.first() {
                    None => Finding::passed(
                        "audit",
                        format!("{shown}: {} entries, none changed", found.entries),
                    ),
                    Some(first) => Finding::warned(
                        "audit",
                        format!(
                            "{} was changed: its chain breaks at line {}",
                            first.path_beside(&path).display(),
                            first.line
                        ),
                        "see what was changed: tailmint audit verify",
                    ),
                });
                Some(Arc::new(file))
            }
            Err(error) => {
                tell(&Finding::from_error("audit", &error));
                None
            }
        }
    }
}
