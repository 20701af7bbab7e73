use super::{Clients, ClientsError};
use crate::credentials::{ClientFiles, CredentialError};
use tailmint::KeyId;
use tailmint::oauth_client::ClientDetails;

impl Clients<'_> {
    /// The clients in the tailnet that have the profile's description and are none of
    /// these: what runs left behind that were cut off, and what other machines use.
    ///
    /// # Errors
    /// The API rejects the request, or the policy denies it.
    pub async fn others(&self, known: &[KeyId]) -> Result<Vec<KeyId>, ClientsError> {
        let account = self.owner.account();
        let clients = self.minter.list_clients(account).await?;
        let is_other = |client: &ClientDetails| {
            client.description == self.profile.description.as_str()
                && !client.invalid
                && !known.contains(&client.id)
        };
        Ok(clients
            .into_iter()
            .filter(is_other)
            .map(|client| client.id)
            .collect())
    }

    pub(super) fn files(&self) -> Result<ClientFiles, CredentialError> {
        ClientFiles::new(self.profile, self.secrets_dir)
    }

    /// Deletes a new client that cannot be used, and returns the error that says so.
    pub(super) async fn undo(&self, id: &KeyId, cause: ClientsError) -> ClientsError {
        let account = self.owner.account();
        let deleted = self.minter.delete_client(account, id).await;
        ClientsError::Undone {
            id: id.clone(),
            deleted: deleted.is_ok(),
            cause: Box::new(cause),
        }
    }
}
