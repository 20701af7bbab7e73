use super::{Clients, ClientsError};
use crate::credentials::{ClientFiles, CredentialError, Leftover};
use tailmint::KeyId;
use tailmint::oauth_client::ClientDetails;

impl Clients<'_> {
    /// The clients in the tailnet that have the profile's description and are not
    /// this one: what runs left behind that were cut off, and what other machines
    /// use.
    pub(super) async fn others(&self, this: &KeyId) -> Result<Vec<KeyId>, ClientsError> {
        let account = self.owner.account();
        let clients = self.minter.list_clients(account).await?;
        let is_other = |client: &ClientDetails| {
            client.description == self.profile.description.as_str()
                && !client.invalid
                && client.id != *this
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

/// The client that a run left behind which was cut off, where its id is known.
pub(super) fn discarded(leftover: Option<Leftover>) -> Option<KeyId> {
    match leftover {
        Some(Leftover::Discarded(id)) => id,
        _ => None,
    }
}
