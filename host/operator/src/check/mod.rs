//! Checks configuration, policy, audit log, what the kernel limits, the connection to
//! the API, the scopes that the API grants, and `tailscale`, in this order.
//! Mints nothing.

mod api;
mod clock;
mod finding;
mod grants;
mod issuer;
mod machine;

pub use finding::{Finding, Grade};

use std::{path::PathBuf, sync::Arc};

use crate::config::Config;
use crate::confinement::{Confinement, Way};
use crate::credentials::identity::IdentitySources;
use crate::credentials::{Asked, Lookup, SecretsDir};
use crate::{MinterSettings, MinterSettingsError, Profile, ProfileCredential};
use tailmint::policy::Policy;
use tailmint::{Account, Minter};
use tailmint_audit::{Audit, AuditFile};

/// Where issuers publish what verifies their tokens, where their addresses say nothing else.
const HTTPS_PORT: u16 = 443;

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
    /// Look at what the issuers of identity tokens publish, where the policy names their
    /// hosts.
    pub probe_issuer: bool,
    /// The `tailscale` command, where it is not the first in `$PATH`.
    pub tailscale: Option<PathBuf>,
    /// The socket of `tailscaled`, where it is not the usual one.
    pub socket: Option<PathBuf>,
    /// What the process keeps once it connects, with the platforms of the profiles. `None`
    /// leaves it as it is.
    pub confinement: Option<Confinement>,
}

/// A profile with what was found about its credential.
struct Asking {
    profile: Profile,
    found: Vec<Finding>,
    account: Option<Account>,
}

impl Asking {
    fn of(profile: Profile) -> Self {
        Self {
            profile,
            found: Vec::new(),
            account: None,
        }
    }

    async fn look(&mut self, credentials: &Lookup<'_>) {
        let found = &mut self.found;
        let mut keep = |it: &Finding| found.push(it.clone());
        self.account = Check::account(&self.profile, credentials, &mut keep).await;
    }
}

impl Check {
    /// Looks at one thing after the other, and tells each as it is found. What starts a
    /// program comes before the process is confined, and is told in its turn.
    pub async fn run(&self, tell: &mut dyn FnMut(&Finding)) {
        let config = self.config(tell);
        let policy = self.policy(tell);
        let audit = self.audit(tell);
        let tailscale = self.tailscale().await;
        if let Some(config) = config {
            let minter = match (&policy, &audit) {
                (Some(policy), Some(audit)) => {
                    self.minter(&config, policy.clone(), Arc::clone(audit), tell)
                }
                // What is not written down is not sent.
                _ => None,
            };
            let (policy, audit) = (policy.as_ref(), audit.as_ref());
            self.profiles(&config, policy, audit, minter, tell).await;
        }
        for finding in &tailscale {
            tell(finding);
        }
    }

    /// Confines the process, with what these profiles need, if it is to be confined; whether
    /// it may connect then.
    fn confine(
        &self,
        policy: Option<&Policy>,
        asked: &[Asking],
        tell: &mut dyn FnMut(&Finding),
    ) -> bool {
        const SUBJECT: &str = "confinement";
        let Some(list) = &self.confinement else {
            return true;
        };
        let environment = &self.minter.environment;
        let sources = IdentitySources::new(None, environment, &self.minter.interrupt);
        let platforms = asked.iter().filter_map(|it| it.profile.platform());
        let ways = platforms.filter_map(|platform| sources.way(platform));
        let built_in = Policy::built_in();
        let accounts = asked.iter().filter_map(|it| it.account.as_ref());
        let issuers = accounts.filter_map(|account| sources.way_to_issuer(account));
        let issuers = issuers.chain([Way::Port(HTTPS_PORT)]);
        let issuers = issuers.filter(|_| self.probe_issuer);
        let list = ways
            .chain(issuers)
            .fold(list.clone(), Confinement::reaching);
        match list.enter(policy.unwrap_or(&built_in)) {
            Ok(confined) => {
                let message = confined.to_string();
                tell(&if confined.is_whole() || cfg!(not(target_os = "linux")) {
                    Finding::passed(SUBJECT, message)
                } else {
                    let hint = "it goes on as it is: a newer kernel would limit more";
                    Finding::warned(SUBJECT, message, hint)
                });
                true
            }
            Err(error) => {
                tell(&Finding::from_error(SUBJECT, &error));
                false
            }
        }
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
        minter: Option<Minter>,
        tell: &mut dyn FnMut(&Finding),
    ) {
        let settings = MinterSettings {
            configured_authorities: config.authorities().cloned(),
            ..self.minter.clone()
        };
        // What is wrong with them was told with the minter.
        let trust = settings.trust().ok().flatten();
        let directory = SecretsDir::find(
            self.secrets_dir.as_deref(),
            config.secrets_dir(),
            &self.minter.environment,
        );
        let credentials = directory.as_ref().map(|directory| Lookup {
            directory,
            environment: &self.minter.environment,
            policy,
            interrupt: &self.minter.interrupt,
            asked: Asked {
                audit,
                observer: self.minter.observer.as_ref(),
                trust: trust.as_ref(),
            },
        });
        let mut later = Vec::new();
        let mut asked = Vec::new();
        match &credentials {
            Ok(credentials) => {
                for profile in self.chosen(config, &mut |it| later.push(it.clone())) {
                    let profile = self.asked_with(profile).unwrap_or_else(|| profile.clone());
                    let mut asking = Asking::of(profile);
                    if asking.profile.platform().is_none() {
                        asking.look(credentials).await;
                    }
                    asked.push(asking);
                }
            }
            Err(error) => later.push(Finding::from_error("secrets", *error)),
        }
        let may_connect = self.confine(policy, &asked, tell);
        let minter = minter.filter(|_| may_connect);
        let reached = match &minter {
            Some(minter) => api::reach(minter, &self.minter.environment, tell).await,
            None => false,
        };
        let minter = minter.filter(|_| reached);
        for finding in &later {
            tell(finding);
        }
        for mut asking in asked {
            if let (Ok(credentials), Some(_), true) =
                (&credentials, asking.profile.platform(), may_connect)
            {
                asking.look(credentials).await;
            }
            for finding in &asking.found {
                tell(finding);
            }
            let Some(account) = &asking.account else {
                continue;
            };
            if let (true, true, Ok(credentials)) = (self.probe_issuer, may_connect, &credentials) {
                issuer::look(&asking.profile, credentials, account, tell).await;
            }
            if let Some(minter) = &minter {
                grants::look(minter, &asking.profile, account, tell).await;
            }
        }
        if let Some(ahead) = minter.as_ref().and_then(Minter::clock_ahead) {
            clock::look(ahead, tell);
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

    fn audit(&self, tell: &mut dyn FnMut(&Finding)) -> Option<Arc<dyn Audit>> {
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
                            "{shown} was changed: its chain breaks at line {}",
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
