use std::{io, path::PathBuf, sync::Arc};

use jiff::Timestamp;

use super::{
    ClientFiles, CredentialError, IdentityVariables, SecretsDir,
    account::{account_from_env, api_key_from_files, client_from_files, client_of, read},
    command::Runner,
    identity::{IdToken, IdentityError, IdentitySources, IssuerProblem, Published, judge},
    reach::Content,
    shape::{Kind, Value},
    system,
};
use crate::{Profile, ProfileCredential, ProfileIdentity, Source};
use tailmint::{
    Account, Credential, Interrupt, connection::Trust, event::Observer, policy::Policy,
};
use tailmint_audit::Audit;
use tailmint_core::Environment;

/// Where credentials are looked for.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The directory of the files.
    pub directory: &'a SecretsDir,
    /// The variables, and `$PATH` for commands.
    pub environment: &'a Environment,
    /// Says which commands may be run. `None` stands for the built-in policy, which allows
    /// none.
    pub policy: Option<&'a Policy>,
    /// Ends a command, and a request for an identity token.
    pub interrupt: &'a Interrupt,
    /// How a platform is asked for an identity token.
    pub asked: Asked<'a>,
}

/// How a platform is asked for an identity token.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Where requests are written down before they leave. `None` for nowhere.
    pub audit: Option<&'a Arc<dyn Audit>>,
    /// Who is told of them.
    pub observer: Option<&'a Arc<dyn Observer>>,
    /// Whom to trust. `None` stands for the bundled authorities.
    pub trust: Option<&'a Trust>,
}

impl Lookup<'_> {
    /// The profile's federated identity, where it has one. Otherwise its OAuth client, from
    /// files or from commands; where neither of its files is there, the federated identity
    /// of the environment ([`IdentityVariables`]); where there is none, the API key from
    /// `tailscale-api-key` in the secrets directory, with `tailscale-tailnet`; where neither
    /// of these is there, `$TAILSCALE_API_KEY` with `$TAILSCALE_TAILNET`.
    ///
    /// Half of a pair is an error: what was meant to be there and is not would otherwise
    /// be passed over in silence.
    ///
    /// # Errors
    /// There is no whole pair, a value cannot be used, or a command fails or is denied.
    pub async fn account(&self, profile: &Profile) -> Result<Account, CredentialError> {
        if let ProfileCredential::FederatedIdentity(identity) = &profile.credential {
            self.alone(profile, identity)?;
            return self.identity(identity).await;
        }
        if let Some(account) = self.client(profile).await? {
            return Ok(account);
        }
        if let Some(identity) = IdentityVariables::identity(self.environment)? {
            return self.identity(&identity).await;
        }
        if let Some(account) = api_key_from_files(self.directory)? {
            return Ok(account);
        }
        if let Some(account) = account_from_env(self.environment)? {
            return Ok(account);
        }
        let files = ClientFiles::new(profile, self.directory)?;
        Err(CredentialError::None {
            id: files.current_id_path()?,
            secret: files.secret_path().to_owned(),
        })
    }

    /// The profile's OAuth client, from files or from commands; `None` where neither of its
    /// files is there.
    ///
    /// # Errors
    /// Only half of the pair is there, a value cannot be used, or a command fails or is
    /// denied.
    pub async fn client(&self, profile: &Profile) -> Result<Option<Account>, CredentialError> {
        match &profile.credential {
            ProfileCredential::OauthClient { id, secret } if profile.credential.has_commands() => {
                let id = self.half(id, Kind::ClientId, Content::Public).await?;
                let secret = self.half(secret, Kind::ClientSecret, Content::Secret);
                Ok(Some(client_of(id, secret.await?)))
            }
            _ => client_from_files(profile, self.directory),
        }
    }

    /// A token of the federated identity, read now and judged.
    ///
    /// # Errors
    /// There is none, or it is one that Tailscale would reject.
    pub async fn identity(&self, identity: &ProfileIdentity) -> Result<Account, CredentialError> {
        let ProfileIdentity {
            client_id,
            audience,
            source,
            user,
            ..
        } = identity;
        let sources = self.sources().on_behalf_of(*user);
        let fetched = sources.fetch(source, client_id.as_str(), audience.as_str());
        let fetched = fetched.await?;
        let mut unfit = judge(&fetched.token, audience.as_str(), Timestamp::now()).into_iter();
        if let Some(unfit) = unfit.next() {
            return Err(IdentityError::unfit(source, unfit).into());
        }
        // What has to be the same there.
        let origin = match (fetched.token.subject(), fetched.token.issuer()) {
            (Some(subject), Some(issuer)) => {
                format!("{} (subject {subject}, issuer {issuer})", fetched.origin)
            }
            _ => fetched.origin,
        };
        let account = Account::new(Credential::FederatedIdentity {
            client_id: client_id.clone(),
            id_token: fetched.token.text().clone(),
        });
        Ok(account.with_origin(origin).with_notes(fetched.notes))
    }

    /// What identity tokens are fetched with.
    fn sources(&self) -> IdentitySources<'_> {
        let mut sources = IdentitySources::new(self.policy, self.environment, self.interrupt);
        if let Some(audit) = self.asked.audit {
            sources = sources.audit(Arc::clone(audit));
        }
        if let Some(observer) = self.asked.observer {
            sources = sources.observer(Arc::clone(observer));
        }
        if let Some(trust) = self.asked.trust {
            sources = sources.trust(trust.clone());
        }
        sources
    }

    /// Looks at what the issuer of the account's identity token publishes, see
    /// [`IdentitySources::published`]. `None` for an account of another kind.
    ///
    /// # Errors
    /// The policy does not allow it, or it could not be written down.
    pub async fn published(
        &self,
        account: &Account,
    ) -> Result<Option<Result<Published, IssuerProblem>>, IdentityError> {
        let Credential::FederatedIdentity {
            client_id,
            id_token,
        } = &account.credential
        else {
            return Ok(None);
        };
        // It was read as one before.
        let token = IdToken::read(id_token.expose_secret().as_bytes())
            .map_err(|_| IdentityError::Internal("the identity token cannot be read again"))?;
        let sources = self.sources();
        Ok(Some(sources.published(client_id.as_str(), &token).await?))
    }

    /// Rejects the OAuth client in files that a profile with a federated identity would have.
    fn alone(&self, profile: &Profile, identity: &ProfileIdentity) -> Result<(), CredentialError> {
        let files = identity.beside.iter();
        let mut files = files.map(|name| self.directory.path().join(name));
        // What may not be looked at cannot be used either; what else cannot may be there.
        let may_be_there = |path: &PathBuf| {
            system::is_there(path)
                .unwrap_or_else(|error| error.kind() != io::ErrorKind::PermissionDenied)
        };
        match files.find(may_be_there) {
            Some(path) => Err(CredentialError::TwoCredentials {
                profile: profile.name.clone(),
                path,
            }),
            None => Ok(()),
        }
    }

    /// All that is wrong with the profile's credential, where [`Self::account`] tells the
    /// first.
    pub(crate) async fn all_wrong(&self, profile: &Profile) -> Vec<CredentialError> {
        let mut wrong = Vec::new();
        if let Ok(files) = ClientFiles::new(profile, self.directory)
            && let Ok(id) = files.current_id_path()
        {
            let id = (id, Kind::ClientId, Content::Public);
            let secret = files.secret_path().to_owned();
            let secret = (secret, Kind::ClientSecret, Content::Secret);
            let read = [id, secret]
                .into_iter()
                .filter_map(|(path, kind, content)| {
                    read(&path, kind, content, self.directory).err()
                });
            wrong.extend(read);
        }
        if wrong.is_empty() {
            wrong.extend(self.account(profile).await.err());
        }
        wrong
    }

    /// Half of a client, where the other half comes from a command.
    async fn half(
        &self,
        source: &Source,
        kind: Kind,
        content: Content,
    ) -> Result<(String, Value), CredentialError> {
        match source {
            Source::File(name) => {
                let path = self.directory.path().join(name);
                match read(&path, kind, content, self.directory)? {
                    Some(value) => Ok((path.display().to_string(), value)),
                    None => Err(CredentialError::Missing { path }),
                }
            }
            Source::Command(command) => {
                let runner = Runner {
                    policy: self.policy,
                    environment: self.environment,
                    interrupt: self.interrupt,
                };
                let value = runner.run(command, kind).await?;
                Ok((format!("the command {}", command.program), value))
            }
        }
    }
}
