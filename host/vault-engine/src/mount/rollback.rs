use jiff::{SignedDuration, Timestamp};
use std::sync::PoisonError;
use tailmint::MintErrorKind;

use super::{
    Failure, Mount, Reply,
    config::Config,
    lease::is_over,
    minted::Minted,
    pending::{self, Pending, What},
    stored,
};
use crate::log::{Level, log};

/// Reading every record takes time, and one that is late does no harm.
const TIDY: SignedDuration = SignedDuration::from_hours(1);

impl Mount {
    /// Looks for what requests left behind that nobody works on, and revokes it. Vault asks
    /// for this every minute, and before it disables the mount: then nothing waits.
    pub(super) async fn roll_back(&self, request: &str) -> Result<Reply, Failure> {
        let entries = self.vault.list(pending::PREFIX).await?;
        let mut failed = None;
        if !entries.is_empty() {
            let is_last = self.vault.is_tainted().await?;
            for name in entries {
                let entry = stored(pending::PREFIX, &name);
                if self.api.working.has(&entry) {
                    continue;
                }
                let pending: Option<Pending> = self.vault.get(&entry).await?;
                let Some(pending) = pending else { continue };
                if pending.is_recent() && !is_last {
                    continue;
                }
                if self.is_handed_over(&entry).await? {
                    continue;
                }
                if let Err(failure) = self.clear(&entry, &pending, request).await {
                    log(
                        Level::Warn,
                        &format!("what request {name} left behind: {}", failure.text()),
                    );
                    failed.get_or_insert(failure);
                }
            }
        }
        self.tidy().await?;
        match failed {
            None => Ok(Reply::Nothing),
            Some(failure) => Err(failure),
        }
    }

    /// Whether the key of the request has a lease, though the request is still pending: its
    /// process was killed in between. Then it is pending no longer.
    async fn is_handed_over(&self, entry: &str) -> Result<bool, Failure> {
        let opened = self.api.opened()?;
        let Some(marker) = opened.handed_over.find(entry) else {
            return Ok(false);
        };
        self.vault.delete(entry).await?;
        marker.remove();
        Ok(true)
    }

    /// What an earlier process did for the same request is undone first: Vault, which makes
    /// it once more, has no response.
    pub(super) async fn clear_earlier(&self, entry: &str, request: &str) -> Result<(), Failure> {
        let pending = self.vault.get(entry).await?;
        if let Some(pending) = pending {
            self.clear(entry, &pending, request).await?;
        }
        if let Some(marker) = self.api.opened()?.handed_over.find(entry) {
            marker.remove();
        }
        Ok(())
    }

    async fn clear(&self, entry: &str, pending: &Pending, request: &str) -> Result<(), Failure> {
        let config = self.config().await?;
        let config = config.ok_or_else(|| {
            Failure::Internal("there is no credential to look for it with".to_owned())
        });
        match &pending.what {
            What::Minting { until, .. } | What::Key { until, .. } if is_over(*until) => {}
            What::Minting { description, .. } => {
                self.revoke_described(&config?, &pending.lineage, description, request)
                    .await?;
            }
            What::Key { id, .. } => {
                self.revoke_key(&config?, &pending.lineage, id, request)
                    .await?;
                self.vault
                    .delete(&stored(Minted::PREFIX, id.as_str()))
                    .await?;
            }
            What::Rotating { description, old } => {
                self.finish_rotation(&config?, description, old, request)
                    .await?;
            }
        }
        Ok(self.vault.delete(entry).await?)
    }

    async fn revoke_described(
        &self,
        config: &Config,
        lineage: &str,
        description: &str,
        request: &str,
    ) -> Result<(), Failure> {
        if config.lineage != lineage {
            return Err(Failure::Internal(format!(
                "a key with the description {description} may be alive that another credential minted"
            )));
        }
        let opened = self.api.opened()?;
        let account = self.api.account(config, request).await?;
        let permit = self.api.permit().await;
        let keys = opened.minter.list(&account).await;
        drop(permit);
        for key in keys.map_err(|error| Failure::of_mint(&error))? {
            if key.invalid || key.description.as_deref() != Some(description) {
                continue;
            }
            self.revoke_key(config, lineage, &key.id, request).await?;
            self.vault
                .delete(&stored(Minted::PREFIX, key.id.as_str()))
                .await?;
            log(
                Level::Warn,
                &format!("key {} was revoked: no lease has it", key.id),
            );
        }
        Ok(())
    }

    /// Whichever of two clients the mount does not use is deleted.
    async fn finish_rotation(
        &self,
        config: &Config,
        description: &str,
        old: &tailmint::KeyId,
        request: &str,
    ) -> Result<(), Failure> {
        let opened = self.api.opened()?;
        let account = self.api.account(config, request).await?;
        let _permit = self.api.permit().await;
        let clients = opened.minter.list_clients(&account).await;
        for client in clients.map_err(|error| Failure::of_mint(&error))? {
            let is_stray = (client.description == description || client.id == *old)
                && client.id != *config.client_id()
                && !client.invalid;
            if !is_stray {
                continue;
            }
            match opened.minter.delete_client(&account, &client.id).await {
                Ok(()) => log(
                    Level::Warn,
                    &format!(
                        "OAuth client {} was deleted: the mount does not use it",
                        client.id
                    ),
                ),
                Err(error) if error.kind == MintErrorKind::NotFound => {}
                Err(error) => return Err(Failure::of_mint(&error)),
            }
        }
        Ok(())
    }

    /// Removes the records of keys that have expired, and that no lease ended.
    async fn tidy(&self) -> Result<(), Failure> {
        {
            let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Timestamp::now();
            if tidied.is_some_and(|at| now.duration_since(at) < TIDY) {
                return Ok(());
            }
            *tidied = Some(now);
        }
        if let Ok(opened) = self.api.opened() {
            opened.handed_over.tidy();
        }
        for id in self.vault.list(Minted::PREFIX).await? {
            let record = stored(Minted::PREFIX, &id);
            let minted: Option<Minted> = self.vault.get(&record).await?;
            if minted.is_some_and(|minted| is_over(minted.expires)) {
                self.vault.delete(&record).await?;
            }
        }
        Ok(())
    }
}
