use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tailmint::KeyId;
use tokio::{runtime::Handle, time::sleep};

use super::{
    Failure, Mount,
    config::Config,
    handed_over::Marker,
    minted::Minted,
    pending::{Pending, What, Work},
    stored,
};
use crate::log::{Level, log};

/// A key that was minted and that nobody has taken yet: a client that hangs up has Vault
/// drop the request wherever it is. Where this is dropped, the key is revoked.
pub(crate) struct Fresh(Option<Untaken>);

struct Untaken {
    mount: Arc<Mount>,
    key: KeyId,
    expires: Timestamp,
    /// What it was minted with.
    config: Config,
    /// Under which name the request is written down.
    entry: String,
    request: String,
    _work: Work,
}

impl Fresh {
    pub(super) fn new(
        mount: Arc<Mount>,
        (key, expires): (KeyId, Timestamp),
        config: Config,
        (entry, request): (String, String),
        work: Work,
    ) -> Self {
        Self(Some(Untaken {
            mount,
            key,
            expires,
            config,
            entry,
            request,
            _work: work,
        }))
    }

    /// Hands the key over: from here on it is its lease's. Do nothing that waits between
    /// this and the response.
    pub(crate) async fn take(mut self) -> Result<(), Failure> {
        let Some(untaken) = &self.0 else {
            return Ok(());
        };
        let opened = untaken.mount.api.opened()?;
        let Some(marker) = opened.handed_over.note(&untaken.entry) else {
            // The next best: it is not pending any more before the response leaves.
            untaken.mount.vault.delete(&untaken.entry).await?;
            self.0 = None;
            return Ok(());
        };
        if let Some(untaken) = self.0.take() {
            tokio::spawn(untaken.done(marker));
        }
        Ok(())
    }
}

/// The response leaves before anything else does.
const FIRST: Duration = Duration::from_millis(1);

impl Drop for Fresh {
    fn drop(&mut self) {
        // Where nothing runs any more, what is written down is found by the next process.
        if let (Some(untaken), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(untaken.revoke());
        }
    }
}

impl Untaken {
    /// The request is not pending any more. Vault stores the lease after this: where it is
    /// killed in between, the next one finds neither or both.
    async fn done(self, marker: Marker) {
        sleep(FIRST).await;
        // Where that fails, a rollback does it.
        if self.mount.vault.delete(&self.entry).await.is_ok() {
            marker.remove();
        }
    }

    async fn revoke(self) {
        let key = &self.key;
        match self.try_revoke().await {
            Ok(()) => log(
                Level::Warn,
                &format!(
                    "key {key} was revoked: nobody waited for it; request {}",
                    self.request
                ),
            ),
            Err(failure) => log(
                Level::Error,
                &format!(
                    "key {key} could not be revoked, and nobody has it; it is tried again: {}",
                    failure.text()
                ),
            ),
        }
    }

    async fn try_revoke(&self) -> Result<(), Failure> {
        let mount = &self.mount;
        let what = What::Key {
            id: self.key.clone(),
            until: self.expires,
        };
        // It may have been removed already. Where Vault is gone, the API need not be.
        let lineage = &self.config.lineage;
        let pending = Pending::new(lineage, what);
        mount.vault.put(&self.entry, &pending).await.ok();
        let _used = mount.credential.read().await;
        let current = mount.configured().await;
        let config = current.unwrap_or_else(|_| self.config.clone());
        mount
            .revoke_key(&config, lineage, &self.key, &self.request)
            .await?;
        let record = stored(Minted::PREFIX, self.key.as_str());
        mount.vault.delete(&record).await?;
        Ok(mount.vault.delete(&self.entry).await?)
    }
}
