use crate::Profile;
use crate::credentials::{CredentialError, Lookup, account_from_env};
use tailmint::Account;
use tailmint_api::Kind;
use tailmint_core::Environment;

/// A credential that may make, read and delete OAuth clients, or federated identities.
#[derive(Clone, Debug)]
pub struct Owner(Account);

impl Owner {
    /// `$TAILSCALE_API_KEY` with `$TAILSCALE_TAILNET`, for what is of this kind.
    ///
    /// # Errors
    /// They are not set, or cannot be used.
    pub fn from_env(environment: &Environment, kind: Kind) -> Result<Self, CredentialError> {
        match account_from_env(environment)? {
            Some(account) => Ok(Self(account)),
            None => Err(CredentialError::NoOwner { kind }),
        }
    }

    /// The credential of another profile, which needs the scope `oauth_keys` for OAuth clients
    /// and `federated_keys` for federated identities.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub async fn for_profile(
        profile: &Profile,
        credentials: &Lookup<'_>,
    ) -> Result<Self, CredentialError> {
        credentials.account(profile).await.map(Self)
    }

    /// Who asks, and of which tailnet.
    pub fn account(&self) -> &Account {
        &self.0
    }
}
