use crate::{Account, CredentialError, Environment, Profile, SecretsDir};

/// A credential that may make, read and delete OAuth clients.
#[derive(Clone, Debug)]
pub struct Owner(Account);

impl Owner {
    /// `$TAILSCALE_API_KEY` with `$TAILSCALE_TAILNET`.
    ///
    /// # Errors
    /// They are not set, or cannot be used.
    pub fn of_environment(environment: &Environment) -> Result<Self, CredentialError> {
        match Account::of_environment(environment)? {
            Some(account) => Ok(Self(account)),
            None => Err(CredentialError::NoOwner),
        }
    }

    /// The OAuth client of another profile, which needs the scope `oauth_keys`.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn of_profile(
        profile: &Profile,
        directory: &SecretsDir,
        environment: &Environment,
    ) -> Result<Self, CredentialError> {
        Account::of_profile(profile, directory, environment).map(Self)
    }

    /// Who asks, and of which tailnet.
    pub fn account(&self) -> &Account {
        &self.0
    }
}
