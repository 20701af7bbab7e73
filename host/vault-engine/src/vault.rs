use http::Uri;
use serde::{Serialize, de::DeserializeOwned};
use tailmint_api::from_json;
use tonic::Status;
use zeroize::Zeroizing;

use crate::{
    connection::Connection,
    proto::called::{
        Empty, StorageDeleteArgs, StorageEntry, StorageGetArgs, StorageListArgs, StoragePutArgs,
        storage_client::StorageClient, system_view_client::SystemViewClient,
    },
};

/// What Vault serves to one mount: its storage, which Vault encrypts, and what it knows of
/// the mount.
#[derive(Clone)]
pub(crate) struct Vault {
    storage: StorageClient<Connection>,
    system: SystemViewClient<Connection>,
}

/// Vault did not do it, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("Vault's storage: {0}")]
pub(crate) struct VaultError(String);

impl From<Status> for VaultError {
    fn from(status: Status) -> Self {
        Self(status.message().to_owned())
    }
}

fn done(error: String) -> Result<(), VaultError> {
    if error.is_empty() {
        Ok(())
    } else {
        Err(VaultError(error))
    }
}

impl Vault {
    /// Over this connection.
    pub(crate) fn new(connection: Connection) -> Self {
        let origin = Uri::from_static("https://localhost");
        Self {
            storage: StorageClient::with_origin(connection.clone(), origin.clone()),
            system: SystemViewClient::with_origin(connection, origin),
        }
    }

    /// The entry under this name, if there is one.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, VaultError> {
        let asked = StorageGetArgs {
            key: key.to_owned(),
        };
        let reply = self.storage.clone().get(asked).await?.into_inner();
        done(reply.err)?;
        let Some(entry) = reply.entry else {
            return Ok(None);
        };
        let text = Zeroizing::new(entry.value);
        let unreadable = |_| VaultError(format!("the entry {key} is not one of this engine"));
        from_json(&text).map(Some).map_err(unreadable)
    }

    /// Writes the entry over what was there.
    pub(crate) async fn put<T: Serialize>(&self, key: &str, value: &T) -> Result<(), VaultError> {
        self.put_entry(key, value, false).await
    }

    /// The same under the seal of Vault too, where it has one for that.
    pub(crate) async fn put_sealed<T: Serialize>(
        &self,
        key: &str,
        value: &T,
    ) -> Result<(), VaultError> {
        self.put_entry(key, value, true).await
    }

    async fn put_entry<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        seal_wrap: bool,
    ) -> Result<(), VaultError> {
        let value = serde_json::to_vec(value).map_err(|error| VaultError(error.to_string()))?;
        let entry = StorageEntry {
            key: key.to_owned(),
            value,
            seal_wrap,
        };
        let asked = StoragePutArgs { entry: Some(entry) };
        done(self.storage.clone().put(asked).await?.into_inner().err)
    }

    /// Removes the entry, if it is there.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), VaultError> {
        let asked = StorageDeleteArgs {
            key: key.to_owned(),
        };
        done(self.storage.clone().delete(asked).await?.into_inner().err)
    }

    /// The names of the entries below this prefix, without it.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, VaultError> {
        let asked = StorageListArgs {
            prefix: prefix.to_owned(),
        };
        let reply = self.storage.clone().list(asked).await?.into_inner();
        done(reply.err)?;
        Ok(reply.keys)
    }

    /// Whether the mount is being disabled.
    pub(crate) async fn is_tainted(&self) -> Result<bool, VaultError> {
        Ok(self
            .system
            .clone()
            .tainted(Empty {})
            .await?
            .into_inner()
            .tainted)
    }
}
