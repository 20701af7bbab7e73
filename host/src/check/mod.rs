//! Is everything in place? From the outside in: configuration, policy, audit, the
//! files of the secrets, the way to the API, what the API grants, and `tailscale`.
//! Mints nothing.

mod api;
mod finding;
mod grants;
mod machine;

pub use finding::{Finding, Grade};

use std::{path::PathBuf, sync::Arc};

use crate::{
    Actor, Audit, AuditFile, Config, ConnectTo, Environment, Interrupt, Minter, Observer, Policy,
    Profile, Proxy, SecretsDir, Trust,
};

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
    /// Where to connect to instead of to the API's own address.
    pub connect_to: Option<ConnectTo>,
    /// The authorities to trust instead of the bundled ones.
    pub trust: Option<Trust>,
    /// Told what is sent.
    pub observer: Option<Arc<dyn Observer>>,
    /// Stops it.
    pub interrupt: Interrupt,
    /// The `tailscale` command, where it is not the first in `$PATH`.
    pub tailscale: Option<PathBuf>,
    /// The socket of `tailscaled`, where it is not the usual one.
    pub socket: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
}

impl Check {
    /// Looks at one thing after the other, and tells each as it is found.
    pub async fn run(&self, tell: &mut dyn FnMut(&Finding)) {
        let config = self.config(tell);
        let policy = self.policy(tell);
        let audit = self.audit(tell);
        if let Some(config) = config {
            let minter = match (policy, audit) {
                (Some(policy), Some(audit)) => self.minter(policy, audit, tell),
                // What is not written down is not sent.
                _ => None,
            };
            let reached = match &minter {
                Some(minter) => api::reach(minter, tell).await,
                None => false,
            };
            let reached = minter.as_ref().filter(|_| reached);
            self.profiles(&config, reached, tell).await;
        }
        self.tailscale(tell).await;
    }

    fn minter(
        &self,
        policy: Policy,
        audit: Arc<dyn Audit>,
        tell: &mut dyn FnMut(&Finding),
    ) -> Option<Minter> {
        let mut builder = Minter::builder()
            .policy(policy)
            .audit(audit)
            .actor(Actor::of_process(&self.environment))
            .interrupt(self.interrupt.clone());
        if let Some(trust) = &self.trust {
            builder = builder.trust(trust.clone());
        }
        if let Some(to) = &self.connect_to {
            builder = builder.connect_to(to.clone());
        } else {
            match Proxy::of_environment(&self.environment) {
                Ok(Some(proxy)) => builder = builder.proxy(proxy),
                Ok(None) => {}
                Err(error) => {
                    let hint = error.hint();
                    tell(&Finding::failed("proxy", &error, hint, error.class()));
                    return None;
                }
            }
        }
        if let Some(observer) = &self.observer {
            builder = builder.observer(Arc::clone(observer));
        }
        match builder.build() {
            Ok(minter) => {
                let digest = crate::EmbeddedComponent::digest();
                tell(&Finding::passed(
                    "component",
                    format!("the policy lets sha256:{digest} run"),
                ));
                Some(minter)
            }
            Err(error) => {
                let hint = error.hint();
                tell(&Finding::failed("component", &error, hint, error.class()));
                None
            }
        }
    }

    async fn profiles(
        &self,
        config: &Config,
        minter: Option<&Minter>,
        tell: &mut dyn FnMut(&Finding),
    ) {
        let directory = match SecretsDir::find(
            self.secrets_dir.as_deref(),
            config.secrets_dir(),
            &self.environment,
        ) {
            Ok(directory) => directory,
            Err(error) => {
                let hint = error.hint();
                tell(&Finding::failed("secrets", &error, hint, error.class()));
                return;
            }
        };
        for profile in self.chosen(config, tell) {
            let account = self.account(profile, &directory, tell);
            if let (Some(account), Some(minter)) = (account, minter) {
                grants::look(minter, profile, &account, tell).await;
            }
        }
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
                    let hint = error.hint();
                    tell(&Finding::failed("profile", &error, hint, error.class()));
                }
            }
        }
        chosen
    }

    fn audit(&self, tell: &mut dyn FnMut(&Finding)) -> Option<Arc<dyn Audit>> {
        let usual = || AuditFile::default_path(&self.environment);
        let Some(path) = self.audit_file.clone().or_else(usual) else {
            tell(&Finding::failed(
                "audit",
                "there is no place for the audit: $HOME is not set",
                Some("give --audit-file FILE".to_owned()),
                crate::Class::Policy,
            ));
            return None;
        };
        let opened = AuditFile::open(path.clone()).and_then(|file| {
            let found = crate::verify(&path)?;
            Ok((file, found))
        });
        match opened {
            Ok((file, found)) => {
                let shown = path.display();
                tell(&match found.breaks.first() {
                    None => Finding::passed(
                        "audit",
                        format!("{shown}: {} entries, none changed", found.entries.len()),
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
                let hint = error.hint();
                tell(&Finding::failed("audit", &error, hint, error.class()));
                None
            }
        }
    }
}
