use super::{Clients, ClientsError};
use crate::{
    ClientDetails, KeyId,
    credentials::{ClientFiles, Leftover},
};

impl Clients<'_> {
    /// The clients in the tailnet that have the profile's description and are not
    /// this one: what runs left behind that were cut off, and what other machines
    /// use.
    pub(super) async fn others(&self, this: &KeyId) -> Result<Vec<KeyId>, ClientsError> {
        let account = self.owner.account();
        let clients = self
            .minter
            .list_clients(&account.credential, &account.tailnet)
            .await?;
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

    pub(super) fn files(&self) -> ClientFiles {
        ClientFiles::of(self.profile, self.secrets_dir)
    }

    /// Deletes a client that was made and is of no use; the error that says so.
    pub(super) async fn undo(&self, id: &KeyId, cause: ClientsError) -> ClientsError {
        let account = self.owner.account();
        let deleted = self
            .minter
            .delete_client(&account.credential, &account.tailnet, id)
            .await;
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
