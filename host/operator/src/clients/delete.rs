use super::{Clients, ClientsError};
use crate::credentials::Presence;
use tailmint::{KeyId, MintErrorKind};

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The client, and its files.
    Client(KeyId),
    /// There was no such client any more; its files are removed.
    FilesOnly(KeyId),
    /// There was nothing.
    Nothing,
}

impl Clients<'_> {
    /// Deletes the client that the profile's files name, and then the files.
    ///
    /// # Errors
    /// The API rejects the request, and the files stay; or the files cannot be read or
    /// removed.
    pub async fn delete(&self) -> Result<Deleted, ClientsError> {
        let files = self.files()?;
        if files.presence() == Presence::Neither {
            return Ok(Deleted::Nothing);
        }
        let held = files.hold()?;
        files.clear(&held)?;
        let id = self.current()?;
        let there = self.delete_id(&id).await?;
        files.remove(&held)?;
        Ok(if there {
            Deleted::Client(id)
        } else {
            Deleted::FilesOnly(id)
        })
    }

    /// Deletes the client of this id. Returns whether there was one.
    ///
    /// # Errors
    /// The API rejects the request.
    pub async fn delete_id(&self, id: &KeyId) -> Result<bool, ClientsError> {
        let account = self.owner.account();
        let deleted = self.minter.delete_client(account, id).await;
        match deleted {
            Ok(()) => Ok(true),
            Err(error) if error.kind == MintErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
