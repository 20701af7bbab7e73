use std::{path::PathBuf, sync::Arc};

use tailmint::{
    Account, Actor, AuditFile, Class, Config, Environment, Interrupt, Minter, Policy, Profile,
    Proxy, SecretsDir, Trust,
};

use super::{arguments::Global, failure::Failure, signals::Signals, trace::Trace};

/// What a command works with: the profile, where its credential is, and how the
/// API is reached.
pub(super) struct Session<'a> {
    global: &'a Global,
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) profile: Profile,
    pub(super) secrets_dir: SecretsDir,
    pub(super) interrupt: Interrupt,
    pub(super) signals: Signals,
}

/// The audit file that the flag names, or the usual one.
pub(super) fn audit_path(global: &Global, environment: &Environment) -> Result<PathBuf, Failure> {
    let usual = || AuditFile::default_path(environment);
    global.audit_file.clone().or_else(usual).ok_or_else(|| {
        Failure::new(
            Class::Policy,
            "there is no place for the audit: $HOME is not set",
            Some("give --audit-file FILE".to_owned()),
        )
    })
}

impl<'a> Session<'a> {
    /// Reads the configuration. From here on signals stop what is done instead
    /// of ending the process.
    pub(super) fn begin(global: &'a Global, profile: Option<&str>) -> Result<Self, Failure> {
        let environment = Environment::of_process();
        let config = Config::load(global.config.as_deref(), &environment)?;
        let profile = config.profile(profile)?.clone();
        let secrets_dir = SecretsDir::find(
            global.secrets_dir.as_deref(),
            config.secrets_dir(),
            &environment,
        )?;
        let interrupt = Interrupt::default();
        let signals = Signals::raise(&interrupt)?;
        Ok(Self {
            global,
            config,
            environment,
            profile,
            secrets_dir,
            interrupt,
            signals,
        })
    }

    /// The credential of the profile.
    pub(super) fn account(&self) -> Result<Account, Failure> {
        let account = Account::of_profile(&self.profile, &self.secrets_dir, &self.environment)?;
        if self.global.verbose {
            Trace::note(&format!("the credential is from {}", account.origin));
        }
        Ok(account)
    }

    /// A minter that reaches the API as the flags say.
    pub(super) fn minter(&self) -> Result<Minter, Failure> {
        let policy = Policy::load(self.global.policy.as_deref(), &self.environment)?;
        let audit = AuditFile::open(audit_path(self.global, &self.environment)?)?;
        let mut builder = Minter::builder()
            .interrupt(self.interrupt.clone())
            .actor(Actor::of_process(&self.environment))
            .policy(policy)
            .audit(Arc::new(audit));
        if let Some(path) = &self.global.ca_file {
            builder = builder.trust(Trust::pem_file(path.clone())?);
        }
        if let Some(to) = &self.global.connect_to {
            builder = builder.connect_to(to.clone());
        } else if let Some(proxy) = Proxy::of_environment(&self.environment)? {
            builder = builder.proxy(proxy);
        }
        #[cfg(feature = "compiler")]
        if let Some(path) = &self.global.component {
            let bytes = std::fs::read(path).map_err(|error| {
                Failure::new(
                    Class::Usage,
                    format!("{}: {error}", path.display()),
                    Some("give a component".to_owned()),
                )
            })?;
            builder = builder.component(bytes);
        }
        if self.global.verbose {
            builder = builder.observer(Arc::new(Trace));
        }
        Ok(builder.build()?)
    }
}
