use std::{path::PathBuf, sync::Arc};

use tailmint::{Account, Class, Interrupt, MintedKey, Minter, policy::Policy};
use tailmint_audit::AuditFile;
use tailmint_core::Environment;
use tailmint_operator::config::Config;
use tailmint_operator::credentials::{Lookup, SecretsDir};
use tailmint_operator::{
    Authorities, MinterSettings, Profile, environment_of_process, policy_file,
};

use super::{
    arguments::Global, failure::Failure, key_flags::KeyFlags, signals::Signals, trace::Trace,
};

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
            AuditFile::NO_PATH,
            Some("give --audit-file FILE".to_owned()),
        )
    })
}

impl<'a> Session<'a> {
    /// Reads the configuration. From here on signals stop what is done instead
    /// of ending the process.
    pub(super) fn begin(global: &'a Global, profile: Option<&str>) -> Result<Self, Failure> {
        let environment = environment_of_process();
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
    pub(super) async fn account(&self) -> Result<Account, Failure> {
        let policy = self.policy_for_commands(&self.profile)?;
        let account = self.credentials(policy.as_ref());
        let account = account.account(&self.profile).await;
        let account = account.map_err(|error| Failure::from(error).by(self.signals.exit_code()))?;
        for note in &account.notes {
            Trace::note(&format!("note: {note}"));
        }
        if self.global.verbose {
            Trace::note(&format!("the credential is from {}", account.origin));
        }
        Ok(account)
    }

    /// The policy of this user on this machine.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        Ok(policy_file::load(
            self.global.policy.as_deref(),
            &self.environment,
        )?)
    }

    /// The policy, where the profile has commands that it has to allow.
    pub(super) fn policy_for_commands(&self, profile: &Profile) -> Result<Option<Policy>, Failure> {
        profile.has_commands().then(|| self.policy()).transpose()
    }

    /// Where credentials are looked for, with the policy for commands.
    pub(super) fn credentials<'b>(&'b self, policy: Option<&'b Policy>) -> Lookup<'b> {
        Lookup {
            directory: &self.secrets_dir,
            environment: &self.environment,
            policy,
            interrupt: &self.interrupt,
        }
    }

    /// Mints a key as the flags say.
    pub(super) async fn mint(
        &self,
        minter: &Minter,
        account: &Account,
        flags: &KeyFlags,
    ) -> Result<MintedKey, Failure> {
        let minted = minter.mint(account, &flags.properties(&self.profile)).await;
        minted.map_err(|error| {
            Failure::from(error)
                .about(account)
                .by(self.signals.exit_code())
        })
    }

    /// A minter that reaches the API as the flags say.
    pub(super) fn minter(&self) -> Result<Minter, Failure> {
        let policy = self.policy()?;
        let audit = AuditFile::open(audit_path(self.global, &self.environment)?)?;
        let settings = MinterSettings {
            configured_authorities: self.config.authorities().cloned(),
            ..minter_settings(self.global, &self.environment, &self.interrupt)
        };
        Ok(settings.builder(policy, Arc::new(audit))?.build()?)
    }
}

/// How the flags say that the API is to be reached, and with which component.
pub(super) fn minter_settings(
    global: &Global,
    environment: &Environment,
    interrupt: &Interrupt,
) -> MinterSettings {
    MinterSettings {
        connect_to: global.connect_to.clone(),
        authorities: match &global.ca_file {
            Some(path) => Some(Authorities::File(path.clone())),
            None => global.system_certs.then_some(Authorities::System),
        },
        configured_authorities: None,
        #[cfg(feature = "compiler")]
        component: global.component.clone(),
        #[cfg(not(feature = "compiler"))]
        component: None,
        observer: global.verbose.then(|| Arc::new(Trace) as Arc<_>),
        interrupt: interrupt.clone(),
        environment: environment.clone(),
    }
}
