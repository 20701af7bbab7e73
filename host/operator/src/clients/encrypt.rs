use super::{Clients, ClientsError, CredentialStore};
use crate::{
    Profile,
    credentials::{CredentialError, SecretsDir, Wrong, client_from_files},
};
use tailmint::{Credential, KeyId, oauth_client::ClientDetails};

impl Clients<'_> {
    /// Creates the profile's client and writes its id and secret to the store, encrypted for
    /// this machine. They are in no other file. What is there already is not overwritten.
    ///
    /// # Errors
    /// The credentials exist, or cannot be encrypted or written: this is found out before the
    /// client is created. Or the API rejects the request. A client that was created but could
    /// not be written down is deleted, or named in the error.
    pub async fn create_encrypted(
        &self,
        store: &CredentialStore,
    ) -> Result<ClientDetails, ClientsError> {
        let encrypted = store.of(self.profile)?;
        encrypted.try_out().await?;
        let created = self.make().await?;
        let id = &created.details.id;
        match encrypted.write(id, &created.secret).await {
            Ok(()) => Ok(created.details),
            Err(error) => Err(self.undo(id, error).await),
        }
    }
}

/// Writes the OAuth client that the profile's files name to the store, encrypted for this
/// machine. The files stay as they are. What is there already is not overwritten.
///
/// # Errors
/// There is no client in the files, or its credentials exist in the store, or they cannot be
/// encrypted or written.
pub async fn encrypt(
    profile: &Profile,
    secrets_dir: &SecretsDir,
    store: &CredentialStore,
) -> Result<KeyId, ClientsError> {
    let encrypted = store.of(profile)?;
    let files = crate::credentials::ClientFiles::new(profile, secrets_dir)?;
    let account =
        client_from_files(profile, secrets_dir)?.ok_or_else(|| CredentialError::NoClient {
            id: files.id_path().to_owned(),
            secret: files.secret_path().to_owned(),
        })?;
    let unusable = || CredentialError::File {
        path: files.id_path().to_owned(),
        wrong: Wrong::ClientId,
    };
    let Credential::OauthClient { id, secret } = &account.credential else {
        return Err(unusable().into());
    };
    let id: KeyId = id.parse().map_err(|_| unusable())?;
    encrypted.try_out().await?;
    encrypted.write(&id, secret).await?;
    Ok(id)
}
