use super::{
    ClientFiles, CredentialError, SecretsDir,
    account::{account_from_env, api_key_from_files, client_from_files, client_of, read},
    command::Runner,
    reach::Content,
    shape::{Kind, Value},
};
use crate::{Profile, Source};
use tailmint::{Account, Interrupt, policy::Policy};
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
    /// Ends a command.
    pub interrupt: &'a Interrupt,
}

impl Lookup<'_> {
    /// The profile's OAuth client, from files or from commands; where neither of its files
    /// is there, the API key from `tailscale-api-key` in the secrets directory, with
    /// `tailscale-tailnet`; where neither of these is there, `$TAILSCALE_API_KEY` with
    /// `$TAILSCALE_TAILNET`.
    ///
    /// Half of a pair is an error: what was meant to be there and is not would otherwise
    /// be passed over in silence.
    ///
    /// # Errors
    /// There is no whole pair, a value cannot be used, or a command fails or is denied.
    pub async fn account(&self, profile: &Profile) -> Result<Account, CredentialError> {
        if let Some(account) = self.client(profile).await? {
            return Ok(account);
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
        if !profile.has_commands() {
            return client_from_files(profile, self.directory);
        }
        let id = self.half(&profile.id, Kind::ClientId, Content::Public);
        let id = id.await?;
        let secret = self.half(&profile.secret, Kind::ClientSecret, Content::Secret);
        Ok(Some(client_of(id, secret.await?)))
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
