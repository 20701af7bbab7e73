use super::{Clients, ClientsError};
use crate::credentials::{CredentialError, Presence, Stray, Written};
use tailmint::KeyId;
use tailmint::oauth_client::{ClientDetails, NewClient};
use tailmint_core::fail_point;

impl Clients<'_> {
    /// Creates the profile's client and writes its id and secret to the profile's
    /// files: both or neither. With `replace`, files that are there are
    /// overwritten; the client that they named lives on, and is a stray.
    ///
    /// # Errors
    /// The files exist or cannot be written: this is found out before the client is
    /// created. Or the API rejects the request. A client that was created but could
    /// not be written down is deleted, or named in the error.
    pub async fn create(&self, replace: bool) -> Result<ClientDetails, ClientsError> {
        let files = self.files()?;
        let held = files.hold(self.interrupt, self.tell).await?;
        if !replace && files.presence()? != Presence::Neither {
            let path = if files.secret_path().symlink_metadata().is_ok() {
                files.secret_path()
            } else {
                files.id_path()
            };
            return Err(CredentialError::Present {
                path: path.to_owned(),
            }
            .into());
        }
        let replaced = files.named_ids()?;
        files.try_out(&held)?;
        let created = self.make().await?;
        let id = &created.details.id;
        match files.write(&held, id.as_str(), &created.secret) {
            Ok(Written::Whole) => {}
            Ok(Written::OneStepLeft { path, detail }) => {
                // Its secret is gone all the same.
                self.name(replaced);
                return Err(ClientsError::OneStepLeft {
                    id: id.clone(),
                    old: None,
                    path,
                    detail,
                });
            }
            Err(error) => return Err(self.undo(id, error.into()).await),
        }
        self.name(replaced);
        Ok(created.details)
    }

    fn name(&self, replaced: Vec<KeyId>) {
        for id in replaced {
            (self.tell)(&Stray::Replaced(id));
        }
    }

    /// Creates a client with the properties of the profile.
    pub(super) async fn make(&self) -> Result<NewClient, ClientsError> {
        let account = self.owner.account();
        let properties = self.profile.client();
        fail_point("client-before-making");
        let created = self.minter.create_client(account, &properties).await?;
        fail_point("client-made");
        Ok(created)
    }
}
