use tailmint::{
    Account, Class, Diagnose, KeyId, MintError, Minter, federated_identity::IdentityGrant,
};
use tailmint_api::AUTH_KEYS_SCOPE;

use crate::{
    Profile, ProfileCredential, ProfileIdentity, Source,
    clients::{Clients, ClientsError, Deleted},
};

/// What became of a profile that had an OAuth client, and has a federated identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The identity, which mints.
    pub identity: KeyId,
    /// What was deleted.
    pub deleted: Deleted,
}

/// Why the OAuth client of a profile stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The OAuth client could not be deleted.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The API does not take the identity's token.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The profile has no federated identity.
    #[error("profile {profile} has no federated identity to move to")]
    NoIdentity {
        /// The profile.
        profile: String,
    },
    /// The profile has never had the files of an OAuth client.
    #[error("it is not known in which files profile {profile} had an OAuth client")]
    NoFiles {
        /// The profile.
        profile: String,
    },
    /// The identity has other tags than the keys of the profile.
    #[error(
        "the federated identity {identity} carries the tags {}, and keys of the profile have {}",
        has.join(" "), needs.join(" ")
    )]
    OtherTags {
        /// The identity.
        identity: KeyId,
        /// Its tags.
        has: Vec<String>,
        /// Those of the keys.
        needs: Vec<String>,
    },
    /// The identity mints no keys.
    #[error("the federated identity {identity} does not grant the scope auth_keys, but: {}", granted.join(" "))]
    Unfit {
        /// The identity.
        identity: KeyId,
        /// What it grants.
        granted: Vec<String>,
    },
}

impl Diagnose for MoveError {
    fn class(&self) -> Class {
        match self {
            Self::Clients(error) => error.class(),
            Self::Mint(error) => error.class(),
            Self::NoIdentity { .. } | Self::NoFiles { .. } => Class::Usage,
            Self::OtherTags { .. } | Self::Unfit { .. } => Class::Rejected,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Clients(error) => error.hint(),
            Self::Mint(error) => error.hint(),
            Self::NoIdentity { profile } => Some(format!(
                "create one, tailmint identities create, and set client-id and a token source in [profiles.{profile}] of the configuration"
            )),
            Self::NoFiles { profile } => Some(format!(
                "name them in [profiles.{profile}] of the configuration, id-file and secret-file; or delete the client by its id: tailmint clients list, tailmint clients delete --id ID"
            )),
            Self::OtherTags { needs, .. } => Some(format!(
                "create an identity that carries {}; the OAuth client was left as it is",
                needs.join(" ")
            )),
            Self::Unfit { .. } => Some(
                "give the federated identity the scope auth_keys (write) in the admin console; the OAuth client was left as it is".to_owned(),
            ),
        }
    }
}

/// The profile with the OAuth client in files that it had before its federated identity.
///
/// # Errors
/// It has no identity, or there are no such files.
pub fn before(profile: &Profile) -> Result<(Profile, &ProfileIdentity), MoveError> {
    let ProfileCredential::FederatedIdentity(identity) = &profile.credential else {
        return Err(MoveError::NoIdentity {
            profile: profile.name.clone(),
        });
    };
    let [id, secret] = &identity.beside[..] else {
        return Err(MoveError::NoFiles {
            profile: profile.name.clone(),
        });
    };
    let credential = ProfileCredential::OauthClient {
        id: Source::File(id.clone()),
        secret: Source::File(secret.clone()),
    };
    let before = Profile {
        credential,
        ..profile.clone()
    };
    Ok((before, identity))
}

/// Asks the API whether the profile's federated identity, with a token of this account, can
/// mint; and only then deletes the OAuth client that the profile had, and its files.
///
/// # Errors
/// The identity cannot mint, and nothing was deleted; or the OAuth client could not be
/// deleted, and its files stay.
pub async fn move_from(
    minter: &Minter,
    account: &Account,
    identity: &KeyId,
    clients: &Clients<'_>,
) -> Result<Moved, MoveError> {
    let IdentityGrant { scopes, tags, .. } = minter.check_identity(account).await?;
    let grants = |scope: &str| scope == AUTH_KEYS_SCOPE || scope == "all";
    if !scopes.is_empty() && !scopes.iter().any(|scope| grants(scope)) {
        return Err(MoveError::Unfit {
            identity: identity.clone(),
            granted: scopes,
        });
    }
    let sorted = |mut tags: Vec<String>| {
        tags.sort_unstable();
        tags
    };
    let needs = clients.profile.key.capabilities.tags.iter();
    let (has, needs) = (
        sorted(tags),
        sorted(needs.map(ToString::to_string).collect()),
    );
    // It may own tags that it does not carry: nobody is asked about that.
    if !has.is_empty() && has != needs {
        return Err(MoveError::OtherTags {
            identity: identity.clone(),
            has,
            needs,
        });
    }
    Ok(Moved {
        identity: identity.clone(),
        deleted: clients.delete().await?,
    })
}
