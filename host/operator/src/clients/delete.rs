use super::{Clients, ClientsError};
use crate::credentials::Presence;
use tailmint::{Account, KeyId, MintErrorKind};
use tailmint_core::fail_point;

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
    /// The API rejects the request, or knows no such client although the client still gets
    /// tokens, and the files stay; or the files cannot be read or removed.
    pub async fn delete(&self) -> Result<Deleted, ClientsError> {
        let files = self.files()?;
        if files.are_untouched()? {
            return Ok(Deleted::Nothing);
        }
        let held = files.hold(self.interrupt, self.tell).await?;
        if files.presence()? == Presence::Neither {
            return Ok(Deleted::Nothing);
        }
        let (id, account) = self.current()?;
        fail_point("client-before-deleting");
        let there = self.delete_id(&id).await?;
        fail_point("client-deleted");
        if !there && self.still_works(&account).await? {
            return Err(ClientsError::Elsewhere { id });
        }
        files.remove(&held)?;
        Ok(if there {
            Deleted::Client(id)
        } else {
            Deleted::FilesOnly(id)
        })
    }

    /// Whether the client still gets tokens. "There is no such client" is also
    /// what is said of one in another tailnet than the one that was asked.
    pub(super) async fn still_works(&self, account: &Account) -> Result<bool, ClientsError> {
        let checked = self
            .minter
            .check_scopes(account, &self.profile.scopes)
            .await;
        match checked {
            Ok(_) => Ok(true),
            // The API said so: it is not the component's own judgement of the credential.
            Err(error)
                if error.kind == MintErrorKind::InvalidCredential && error.status.is_some() =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
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
