//! Operations on auth keys.

use tailmint_api::{DescribedKey, KeyId, KeyProperties, NewKeyBody};
use tailmint_policy::Task;

use super::{
    AuthKey, MintError, MintedKey, Minter, Told,
    call::{Called, deleted, id_of},
    evidence::{self, same},
    failure::invalid_result,
    granted::granted_as_asked,
};
use crate::{Account, egress::Run, sandbox::types};

impl Minter {
    /// Creates a new auth key.
    ///
    /// The request that creates the key is sent at most once unless the API says that it
    /// did not act on it.
    ///
    /// # Errors
    /// One of the kind [`MintErrorKind::OutcomeUnknown`](crate::MintErrorKind::OutcomeUnknown)
    /// means that a key may exist. After every other error none does, unless
    /// [`MintError::left_behind`] names it.
    pub async fn mint(
        &self,
        account: &Account,
        properties: &KeyProperties,
    ) -> Result<MintedKey, MintError> {
        let task = Task::Mint {
            properties: properties.clone(),
        };
        let wanted = &types::KeyProperties::from(properties.body());
        let call = |mut called: Called| async move {
            let (keys, store) = called.guest.auth_keys()?;
            keys.call_mint(store, &called.credential, &called.tailnet, wanted)
                .await
        };
        let accept = |run: &Run, minted| accept_minted(run, minted, properties);
        self.perform(account, task, call, accept).await
    }

    /// Describes an auth key, including one that expired or was revoked.
    ///
    /// # Errors
    /// There is no such key, or the API could not be asked.
    pub async fn get(&self, account: &Account, id: &KeyId) -> Result<AuthKey, MintError> {
        let task = Task::Get { id: id.clone() };
        let call = |mut called: Called| async move {
            let (keys, store) = called.guest.auth_keys()?;
            keys.call_get(store, &called.credential, &called.tailnet, id.as_str())
                .await
        };
        let accept = |run: &Run, key: types::AuthKey| {
            let seen = evidence::key(run)?;
            same(&described(key), &seen, "the key")?;
            if seen.id != id.as_str() {
                return Err(MintError::malformed(
                    "it describes another key than the one asked for",
                ));
            }
            from_api(seen)
        };
        self.perform(account, task, call, accept).await
    }

    /// Describes all auth keys that the credential may see.
    ///
    /// # Errors
    /// The API could not be asked.
    pub async fn list(&self, account: &Account) -> Result<Vec<AuthKey>, MintError> {
        let call = |mut called: Called| async move {
            let (keys, store) = called.guest.auth_keys()?;
            keys.call_list(store, &called.credential, &called.tailnet)
                .await
        };
        let accept = |run: &Run, keys: Vec<types::AuthKey>| {
            let seen = evidence::keys(run)?;
            let said: Vec<_> = keys.into_iter().map(described).collect();
            same(&said, &seen, "the keys")?;
            seen.into_iter().map(from_api).collect()
        };
        self.perform(account, Task::List, call, accept).await
    }

    /// Revokes an auth key: no more devices can join with it. Those that have joined
    /// stay.
    ///
    /// # Errors
    /// There is no such key, or the API could not be asked.
    pub async fn revoke(&self, account: &Account, id: &KeyId) -> Result<(), MintError> {
        // The API deletes whatever has the id, if the credential may.
        if id.as_str().contains('-') {
            return Err(MintError::misuse(
                "this is the id of a federated identity, not of a key",
            ));
        }
        let task = Task::Revoke { id: id.clone() };
        let call = |called: Called| revoke(called, id);
        self.perform(account, task, call, deleted).await
    }
}

/// Calls the component to revoke a key.
pub(super) async fn revoke(mut called: Called, id: &KeyId) -> Told<()> {
    let (keys, store) = called.guest.auth_keys()?;
    keys.call_revoke(store, &called.credential, &called.tailnet, id.as_str())
        .await
}

/// Accepts the key only where it is the one that the API gave out in this run, under the
/// id that the API gave it, and where it is what was asked for.
fn accept_minted(
    run: &Run,
    minted: types::MintedKey,
    asked: &KeyProperties,
) -> Result<MintedKey, MintError> {
    let issued = run
        .open_result(&minted.key)
        .ok_or_else(|| invalid_result("its key is not one that the API gave out in this run"))?;
    if minted.details.id != issued.id.as_str() {
        return Err(invalid_result(
            "its key has another id than the API gave it",
        ));
    }
    let seen = evidence::key(run)?;
    same(&described(minted.details), &seen, "the key")?;
    granted_as_asked(&seen, &asked.body())?;
    Ok(MintedKey {
        key: issued.key,
        details: from_api(seen)?,
    })
}

tailmint_api::key_properties_record!(types::KeyProperties);

/// What the component says of a key.
fn described(key: types::AuthKey) -> DescribedKey {
    DescribedKey {
        id: key.id,
        created: key.created,
        expires: key.expires,
        invalid: key.invalid,
        properties: key.properties.into(),
    }
}

/// The key that the API described.
fn from_api(key: DescribedKey) -> Result<AuthKey, MintError> {
    // What the API says of the end is in `expires`.
    let NewKeyBody {
        capabilities,
        expiry_seconds: _,
        description,
    } = key.properties;
    Ok(AuthKey {
        id: id_of(&key.id)?,
        created: key.created,
        expires: key.expires,
        invalid: key.invalid,
        capabilities,
        description,
    })
}
