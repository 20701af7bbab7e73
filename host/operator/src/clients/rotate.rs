use std::time::Duration;

use super::{Clients, ClientsError};
use crate::credentials::{CredentialError, Held, Written, client_from_files};
use tailmint::oauth_client::{ClientDetails, NewClient};
use tailmint::{Account, Credential, KeyId};
use tailmint_core::fail_point;

/// What becomes of the old client.
#[derive(Clone, Copy, Debug)]
pub enum Grace {
    /// It is deleted once machines may have used it for this much longer, and at once if
    /// the interrupt is raised before that.
    Delete(Duration),
    /// It lives on.
    Keep,
}

/// A rotated client: the id and the secret of the new one are in the profile's
/// files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The new client.
    pub client: ClientDetails,
    /// The old one, and what became of it.
    pub old: OldClient,
}

/// What became of the old client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OldClient {
    /// It is deleted.
    Deleted(KeyId),
    /// It lives on, as was asked for.
    Kept(KeyId),
    /// The files name it again, or what they name could not be found out: it lives on.
    InUse(KeyId),
    /// It could not be deleted, and lives on.
    Left(KeyId, ClientsError),
}

impl Clients<'_> {
    /// Creates a new client, checks it, writes it to the profile's files, and deletes
    /// the old one. Whenever this ends, the files name a client that works.
    ///
    /// # Errors
    /// There is no old client, the files cannot be written, the API rejects a request,
    /// or the new client cannot do what the profile says. The new client is then
    /// deleted, or named in the error, and the files are unchanged.
    pub async fn rotate(&self, grace: Grace) -> Result<Rotated, ClientsError> {
        let files = self.files()?;
        let held = files.hold(self.interrupt, self.tell).await?;
        let (old, account) = self.current()?;
        files.try_out(&held)?;
        let created = self.make().await?;
        let id = &created.details.id;
        if let Err(error) = self.prove(&created).await {
            return Err(self.undo(id, error).await);
        }
        fail_point("client-checked");
        match files.write(&held, id.as_str(), &created.secret) {
            Ok(Written::Whole) => {}
            Ok(Written::OneStepLeft { path, detail }) => {
                return Err(ClientsError::OneStepLeft {
                    id: id.clone(),
                    old: Some(old),
                    path,
                    detail,
                });
            }
            Err(error) => return Err(self.undo(id, error.into()).await),
        }
        Ok(Rotated {
            old: self.retire(old, &account, grace, held).await,
            client: created.details,
        })
    }

    /// The client that the files name: its id, and itself.
    pub(super) fn current(&self) -> Result<(KeyId, Account), ClientsError> {
        // No API key stands in for a client that is to be rotated.
        let account = client_from_files(self.profile, self.secrets_dir)?;
        let files = self.files()?;
        let account = account.ok_or_else(|| CredentialError::NoClient {
            id: files.id_path().to_owned(),
            secret: files.secret_path().to_owned(),
        })?;
        let id = match &account.credential {
            Credential::OauthClient { id, .. } => id.parse().ok(),
            Credential::ApiKey { .. } | Credential::FederatedIdentity { .. } => None,
        };
        match id {
            Some(id) => Ok((id, account)),
            None => Err(CredentialError::File {
                path: files.id_path().to_owned(),
                wrong: crate::credentials::Wrong::ClientId,
            }
            .into()),
        }
    }

    /// Whether the new client can do what the profile says.
    async fn prove(&self, created: &NewClient) -> Result<(), ClientsError> {
        let account = Account::new(Credential::OauthClient {
            id: created.details.id.to_string(),
            secret: created.secret.clone(),
        });
        let checks = self
            .minter
            .check_scopes(&account, &self.profile.scopes)
            .await?;
        let lacking: Vec<_> = checks
            .iter()
            .filter(|check| !check.granted)
            .map(|check| check.scope.to_string())
            .collect();
        if lacking.is_empty() {
            Ok(())
        } else {
            Err(ClientsError::Unfit(lacking.join(" ")))
        }
    }

    async fn retire(
        &self,
        old: KeyId,
        old_account: &Account,
        grace: Grace,
        mut held: Held,
    ) -> OldClient {
        let Grace::Delete(after) = grace else {
            return OldClient::Kept(old);
        };
        if !after.is_zero() {
            // Others may read and write the files while the old client is waited for.
            drop(held);
            tokio::select! {
                () = tokio::time::sleep(after) => {}
                () = self.interrupt.raised() => {}
            }
            fail_point("client-waited-for");
            match self.hold_again().await {
                Ok(again) => held = again,
                Err(error) => return OldClient::Left(old, error),
            }
        }
        fail_point("client-before-deleting");
        // An operator may have put it back, with an editor or a backup, since the new one was
        // written.
        let named = self.files().and_then(|files| files.named_ids());
        match named {
            Ok(named) if named.contains(&old) => return OldClient::InUse(old),
            Ok(_) => {}
            Err(error) => return OldClient::Left(old, error.into()),
        }
        let deleted = self.delete_id(&old).await;
        fail_point("client-deleted");
        drop(held);
        match deleted {
            Ok(true) => OldClient::Deleted(old),
            Ok(false) => match self.still_works(old_account).await {
                Ok(false) => OldClient::Deleted(old),
                Ok(true) => OldClient::Left(old.clone(), ClientsError::Elsewhere { id: old }),
                Err(error) => OldClient::Left(old, error),
            },
            Err(error) => OldClient::Left(old, error),
        }
    }

    async fn hold_again(&self) -> Result<Held, ClientsError> {
        Ok(self.files()?.hold(self.interrupt, self.tell).await?)
    }
}
