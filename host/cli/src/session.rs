use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tailmint::{Account, Class, Credential, Interrupt, MintedKey, Minter, policy::Policy};
use tailmint_api::Kind;
use tailmint_audit::{AuditError, AuditFile};
use tailmint_core::Environment;
use tailmint_operator::clients::Owner;
use tailmint_operator::config::Config;
use tailmint_operator::confinement::{Confinement, Way};
use tailmint_operator::credentials::{IdentityVariables, Lookup, SecretsDir};
use tailmint_operator::identity::IdentitySources;
use tailmint_operator::{
    Authorities, MinterSettings, Profile, ProfileCredential, environment_of_process, policy_file,
};

use super::{
    arguments::Global, credential_means::CredentialMeans, failure::Failure,
    identity_flags::IdentityFlags, key_flags::KeyFlags, signals::Signals, trace::Trace,
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

/// The audit log as the configuration says.
pub(super) fn as_configured(file: AuditFile, config: &Config) -> Result<AuditFile, AuditError> {
    let noticed = file.noticing(|notice| Trace::note(&format!("warning: {notice}")));
    config.apply_to(noticed)
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

    /// The same with this federated identity, if the flags name one.
    pub(super) fn asking_with(mut self, flags: &IdentityFlags) -> Self {
        if let Some(credential) = flags.credential() {
            self.profile.credential = credential;
        }
        self
    }

    /// The credential of the profile and a minter, in a process that can open and reach
    /// nothing else any more. A platform is asked for a token over the network, and so by the
    /// confined process; what else a credential comes from is read before, and may start a
    /// command.
    pub(super) async fn ready(&self) -> Result<(Account, Minter), Failure> {
        let means = self.means(&self.profile)?;
        let read = match self.profile.platform() {
            Some(_) => None,
            None => Some(self.account_by(&means).await?),
        };
        let minter = self.minter()?;
        let list = self.asking_of(self.confinement()?, &self.profile);
        self.confine(minter.policy(), &list)?;
        match read {
            Some(account) => Ok((account, minter)),
            None => Ok((self.account_by(&means).await?, minter)),
        }
    }

    /// The same for who may create and delete credentials, with what else is on the list.
    /// What a confined process could not do any more is done before, once it is known who
    /// asks.
    pub(super) async fn ready_to_own(
        &self,
        owner: Option<&str>,
        kind: Kind,
        list: Confinement,
        before: impl FnOnce(),
    ) -> Result<(Owner, Minter), Failure> {
        let Some(name) = owner else {
            let owner = Owner::from_env(&self.environment, kind)?;
            let minter = self.minter()?;
            before();
            self.confine(minter.policy(), &list)?;
            return Ok((owner, minter));
        };
        let profile = self.config.profile(Some(name))?;
        let means = self.means(profile)?;
        let read = match profile.platform() {
            Some(_) => None,
            None => Some(Owner::for_profile(profile, &self.credentials(&means)).await?),
        };
        let minter = self.minter()?;
        before();
        self.confine(minter.policy(), &self.asking_of(list, profile))?;
        let owner = match read {
            Some(owner) => owner,
            None => Owner::for_profile(profile, &self.credentials(&means)).await?,
        };
        Ok((owner, minter))
    }

    /// What this process needs to write to the audit log and to reach the API.
    pub(super) fn confinement(&self) -> Result<Confinement, Failure> {
        self.confinement_to(self.settings().way()?)
    }

    /// The same to reach something else.
    pub(super) fn confinement_to(&self, way: Way) -> Result<Confinement, Failure> {
        let audit = audit_path(self.global, &self.environment)?;
        Ok(confinement_to(&self.config, &audit, way))
    }

    /// With the way to the platform that the credential of the profile comes from, if one
    /// does.
    pub(super) fn asking_of(&self, list: Confinement, profile: &Profile) -> Confinement {
        let sources = IdentitySources::new(None, &self.environment, &self.interrupt);
        match profile.platform().and_then(|it| sources.way(it)) {
            Some(way) => list.reaching(way),
            None => list,
        }
    }

    /// Gives up, for good, all that is not on the list.
    pub(super) fn confine(&self, policy: &Policy, list: &Confinement) -> Result<(), Failure> {
        #[cfg(all(feature = "failpoints", target_os = "linux"))]
        crate::forbidden_acts::try_unconfined();
        let confined = list.enter(policy)?;
        if self.global.verbose {
            Trace::note(&format!("confined: {confined}"));
        }
        #[cfg(all(feature = "failpoints", target_os = "linux"))]
        crate::forbidden_acts::try_confined();
        Ok(())
    }

    /// Goes on with all that the user may do, where a program is still to be started: it
    /// would be confined too.
    ///
    /// # Errors
    /// The policy requires confinement.
    pub(super) fn stay_unconfined(&self, program: &str, instead: &str) -> Result<(), Failure> {
        if self.policy()?.requires_confinement() {
            return Err(Failure::new(
                Class::Policy,
                format!(
                    "the policy requires that this process is confined, and it starts {program}, which could do nothing then"
                ),
                Some(instead.to_owned()),
            ));
        }
        if self.global.verbose {
            Trace::note(&format!(
                "not confined: {program} is started by this process"
            ));
        }
        Ok(())
    }

    /// The credential of the profile.
    pub(super) async fn account(&self) -> Result<Account, Failure> {
        self.account_by(&self.means(&self.profile)?).await
    }

    async fn account_by(&self, means: &CredentialMeans) -> Result<Account, Failure> {
        let account = self.credentials(means);
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

    /// Who may create and delete credentials of this kind: the profile of this name, or
    /// `$TAILSCALE_API_KEY`.
    pub(super) async fn owner(&self, profile: Option<&str>, kind: Kind) -> Result<Owner, Failure> {
        Ok(match profile {
            None => Owner::from_env(&self.environment, kind)?,
            Some(name) => {
                let profile = self.config.profile(Some(name))?;
                let means = self.means(profile)?;
                Owner::for_profile(profile, &self.credentials(&means)).await?
            }
        })
    }

    /// The policy of this user on this machine.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        Ok(policy_file::load(
            self.global.policy.as_deref(),
            &self.environment,
        )?)
    }

    /// The credential with a token that is new, where it has one that lives for minutes.
    pub(super) async fn renewed(&self, account: &Account) -> Result<Account, Failure> {
        match account.credential {
            Credential::FederatedIdentity { .. } => self.account().await,
            Credential::ApiKey { .. } | Credential::OauthClient { .. } => Ok(account.clone()),
        }
    }

    /// What it takes to get the credential of the profile, where it is not in files.
    pub(super) fn means(&self, profile: &Profile) -> Result<CredentialMeans, Failure> {
        let is_identity = matches!(profile.credential, ProfileCredential::FederatedIdentity(_))
            || IdentityVariables::are_set(&self.environment);
        if !is_identity && !profile.credential.needs_policy() {
            return Ok(CredentialMeans::default());
        }
        let mut means = CredentialMeans {
            policy: Some(self.policy()?),
            ..CredentialMeans::default()
        };
        if is_identity {
            let settings = self.settings();
            means.audit = Some(Arc::new(self.audit()?));
            means.trust = settings.trust()?;
            means.observer = settings.observer;
        }
        Ok(means)
    }

    /// Where credentials are looked for, and what it takes.
    pub(super) fn credentials<'b>(&'b self, means: &'b CredentialMeans) -> Lookup<'b> {
        Lookup {
            directory: &self.secrets_dir,
            environment: &self.environment,
            policy: means.policy.as_ref(),
            interrupt: &self.interrupt,
            asked: means.asked(),
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
        let audit = self.audit()?;
        let builder = self.settings().builder(policy, Arc::new(audit))?;
        Ok(builder.build()?)
    }

    /// The audit log, as it is configured.
    pub(super) fn audit(&self) -> Result<AuditFile, Failure> {
        let file = AuditFile::open(audit_path(self.global, &self.environment)?)?;
        Ok(as_configured(file, &self.config)?)
    }

    fn settings(&self) -> MinterSettings {
        MinterSettings {
            configured_authorities: self.config.authorities().cloned(),
            ..minter_settings(self.global, &self.environment, &self.interrupt)
        }
    }
}

/// What a process needs to write to this audit log and to reach something.
pub(super) fn confinement_to(config: &Config, audit: &Path, way: Way) -> Confinement {
    let list = Confinement::to_resolve_names().reaching(way);
    let list = match config.shipping() {
        // The logs of the system are behind one.
        Some(_) => list.reaching(Way::LocalSocket),
        None => list,
    };
    list.writing_beside(audit)
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
