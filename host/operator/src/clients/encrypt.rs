use super::{Clients, ClientsError, CredentialStore};
use crate::{
    Profile,
    credentials::{CredentialError, SecretsDir, Stray, Wrong, client_from_files},
};
use tailmint::{Credential, Interrupt, KeyId, oauth_client::ClientDetails};

impl Clients<'_> {
    /// Creates the profile's client and writes its id and secret to the store, encrypted for
    /// this machine. They are in no other file. What is there already is not overwritten,
    /// unless `replace` says so: the client that it names lives on, and is a stray.
    ///
    /// # Errors
    /// The credentials exist, or cannot be encrypted or written: this is found out before the
    /// client is created. Or the API rejects the request. A client that was created but could
    /// not be written down is deleted, or named in the error.
    pub async fn create_encrypted(
        &self,
        store: &CredentialStore,
        replace: bool,
    ) -> Result<ClientDetails, ClientsError> {
        let encrypted = store.of(self.profile)?;
        encrypted.try_out(replace).await?;
        let old = encrypted.named_id().await;
        let created = self.make().await?;
        let id = &created.details.id;
        if let Err(error) = encrypted.write(id, &created.secret, replace).await {
            return Err(self.undo(id, error).await);
        }
        if let Some(old) = old {
            (self.tell)(&Stray::Replaced(old));
        }
        Ok(created.details)
    }
}

/// Writes the OAuth client that the profile's files name to the store, encrypted for this
/// machine. The files stay as they are. What is there already is not overwritten, unless
/// `replace` says so: `tell` is told of another client that was in it.
///
/// # Errors
/// There is no client in the files, or its credentials exist in the store, or they cannot be
/// encrypted or written.
pub async fn encrypt(
    profile: &Profile,
    secrets_dir: &SecretsDir,
    store: &CredentialStore,
    replace: bool,
    interrupt: &Interrupt,
    tell: &dyn Fn(&Stray),
) -> Result<KeyId, ClientsError> {
    let encrypted = store.of(profile)?;
    let files = crate::credentials::ClientFiles::new(profile, secrets_dir)?;
    let none = || CredentialError::NoClient {
        id: files.id_path().to_owned(),
        secret: files.secret_path().to_owned(),
    };
    // To hold them would create their directory.
    if files.are_untouched()? {
        return Err(none().into());
    }
    // Or they may be another client's before this one is written down.
    let held = files.hold(interrupt, tell).await?;
    let account = client_from_files(profile, secrets_dir)?.ok_or_else(none)?;
    let unusable = || CredentialError::File {
        path: files.id_path().to_owned(),
        wrong: Wrong::ClientId,
    };
    let Credential::OauthClient { id, secret } = &account.credential else {
        return Err(unusable().into());
    };
    let id: KeyId = id.parse().map_err(|_| unusable())?;
    encrypted.try_out(replace).await?;
    let old = encrypted.named_id().await;
    encrypted.write(&id, secret, replace).await?;
    drop(held);
    if let Some(old) = old.filter(|old| *old != id) {
        tell(&Stray::Replaced(old));
    }
    Ok(id)
}
