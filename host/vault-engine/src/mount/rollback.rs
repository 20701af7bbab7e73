use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tailmint::{Account, KeyId, MintErrorKind, Minter, oauth_client::ClientDetails};
use tokio::task::{JoinError, JoinSet};

use super::{
    Failure, Mount, Reply,
    api::CALLS,
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
    /// for this every minute, and before it disables the mount: then nothing waits, and every
    /// key of the mount is revoked, also one whose lease has ended, or that has none.
    pub(super) async fn roll_back(self: &Arc<Self>, request: &str) -> Result<Reply, Failure> {
        let is_last = self.vault.is_tainted().await?;
        let _alone = if is_last {
            self.rolling_back.lock().await
        } else {
            // While the API does not respond, Vault's next one comes before this one ends.
            match self.rolling_back.try_lock() {
                Ok(alone) => alone,
                Err(_) => return Ok(Reply::Nothing),
            }
        };
        let mut failed = self.clear_all(is_last, request).await?;
        let goes_on = !failed.as_ref().is_some_and(Failure::is_unreachable);
        if is_last && goes_on {
            let left = self.revoke_all(request).await?;
            failed = failed.or(left);
        }
        self.tidy().await?;
        match failed {
            None => Ok(Reply::Nothing),
            Some(failure) => Err(failure),
        }
    }

    /// Undoes what is written down and nobody's. What comes back is the first failure. One
    /// to reach the API ends it: the others would wait as long for the same.
    async fn clear_all(&self, is_last: bool, request: &str) -> Result<Option<Failure>, Failure> {
        let mut failed = None;
        for name in self.vault.list(pending::PREFIX).await? {
            let entry = stored(pending::PREFIX, &name);
            if self.api.working.has(&entry) {
                continue;
            }
            let pending: Option<Pending> = self.vault.get(&entry).await?;
            let Some(pending) = pending else { continue };
            if !pending.is_settled() && !is_last {
                continue;
            }
            if self.is_handed_over(&entry).await? {
                continue;
            }
            let cleared = match self.undo(&pending, request).await {
                Ok(()) => self.vault.delete(&entry).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            if let Err(failure) = cleared {
                log(
                    Level::Warn,
                    &format!("what request {name} left behind: {}", failure.text()),
                );
                let ends = failure.is_unreachable();
                failed.get_or_insert(failure);
                if ends {
                    break;
                }
            }
        }
        Ok(failed)
    }

    /// Revokes every key that the mount knows of, several at once. What comes back is the
    /// first failure; one to reach the API ends it.
    async fn revoke_all(self: &Arc<Self>, request: &str) -> Result<Option<Failure>, Failure> {
        let mut failed = None;
        let mut ids = self.vault.list(Minted::PREFIX).await?.into_iter();
        let mut running = JoinSet::new();
        let mut ends = false;
        loop {
            while !ends && running.len() < CALLS {
                let Some(id) = ids.next() else { break };
                let (mount, request) = (Arc::clone(self), request.to_owned());
                running.spawn(async move {
                    let revoked = mount.revoke_recorded(&id, &request).await;
                    revoked.map_err(|failure| (id, failure))
                });
            }
            let Some(done) = running.join_next().await else {
                return Ok(failed);
            };
            let unforeseen = |error: JoinError| Failure::Internal(error.to_string());
            if let Err((id, failure)) = done.map_err(unforeseen)? {
                log(Level::Warn, &format!("key {id}: {}", failure.text()));
                ends |= failure.is_unreachable();
                failed.get_or_insert(failure);
            }
        }
    }

    async fn revoke_recorded(&self, id: &str, request: &str) -> Result<(), Failure> {
        let record = stored(Minted::PREFIX, id);
        let minted: Option<Minted> = self.vault.get(&record).await?;
        let Some(minted) = minted else { return Ok(()) };
        if !is_over(minted.expires) {
            let key: KeyId = id
                .parse()
                .map_err(|_| Failure::Internal(format!("{record} is not of a key")))?;
            let _used = self.credential.read().await;
            let config = self.configured().await?;
            self.revoke_key(&config, &minted.lineage, &key, request)
                .await?;
        }
        Ok(self.vault.delete(&record).await?)
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
    /// it once more, has no response. What may still be on its way to the API stays written
    /// down, for a rollback to look for it later.
    pub(super) async fn clear_earlier(&self, request: &str) -> Result<(), Failure> {
        for name in self.vault.list(pending::PREFIX).await? {
            let entry = stored(pending::PREFIX, &name);
            if !pending::is_of(&name, request) || self.api.working.has(&entry) {
                continue;
            }
            if let Some(marker) = self.api.opened()?.handed_over.find(&entry) {
                marker.remove();
            }
            let pending: Option<Pending> = self.vault.get(&entry).await?;
            let Some(pending) = pending else { continue };
            let is_settled = pending.is_settled();
            if !is_settled && matches!(pending.what, What::Rotating { .. }) {
                // The configuration may still change to name the new client.
                continue;
            }
            self.undo(&pending, request).await?;
            if is_settled {
                self.vault.delete(&entry).await?;
            }
        }
        Ok(())
    }

    /// Revokes or deletes what is there of it now.
    async fn undo(&self, pending: &Pending, request: &str) -> Result<(), Failure> {
        let config = self.config().await?;
        let config = config.ok_or_else(|| {
            Failure::Internal("there is no credential to look for it with".to_owned())
        });
        match &pending.what {
            What::Minting { until, .. } | What::Key { until, .. } if is_over(*until) => Ok(()),
            What::Minting { description, .. } => {
                self.revoke_described(&config?, &pending.lineage, description, request)
                    .await
            }
            What::Key { id, .. } => {
                self.revoke_key(&config?, &pending.lineage, id, request)
                    .await?;
                let record = stored(Minted::PREFIX, id.as_str());
                Ok(self.vault.delete(&record).await?)
            }
            What::Rotating { description, old } => {
                self.finish_rotation(&config?, description, old, request)
                    .await
            }
            What::Replaced { old } => self.delete_replaced(&config?, old, request).await,
        }
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

    /// Whichever of two clients the mount does not use is deleted. The old one is only if the
    /// mount has the new one: otherwise it was replaced by somebody else, or not at all.
    async fn finish_rotation(
        &self,
        config: &Config,
        description: &str,
        old: &KeyId,
        request: &str,
    ) -> Result<(), Failure> {
        let opened = self.api.opened()?;
        let account = self.api.account(config, request).await?;
        let _permit = self.api.permit().await;
        let clients = opened.minter.list_clients(&account).await;
        let clients = clients.map_err(|error| Failure::of_mint(&error))?;
        let is_used = |client: &ClientDetails| client.id == *config.client_id();
        let is_new = |client: &ClientDetails| client.description == description;
        let is_replaced = clients
            .iter()
            .any(|client| is_used(client) && is_new(client));
        for client in &clients {
            let is_stray = is_new(client) || is_replaced && client.id == *old;
            if is_stray && !is_used(client) && !client.invalid {
                delete_client(&opened.minter, &account, &client.id).await?;
            }
        }
        Ok(())
    }

    /// Deletes a client that the mount has replaced, unless somebody has put it back.
    async fn delete_replaced(
        &self,
        config: &Config,
        old: &KeyId,
        request: &str,
    ) -> Result<(), Failure> {
        if config.client_id() == old {
            return Ok(());
        }
        let opened = self.api.opened()?;
        let account = self.api.account(config, request).await?;
        let _permit = self.api.permit().await;
        delete_client(&opened.minter, &account, old).await
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

async fn delete_client(minter: &Minter, account: &Account, id: &KeyId) -> Result<(), Failure> {
    match minter.delete_client(account, id).await {
        Ok(()) => {
            let text = format!("OAuth client {id} was deleted: the mount does not use it");
            log(Level::Warn, &text);
            Ok(())
        }
        Err(error) if error.kind == MintErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::of_mint(&error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tailmint_simulator::{Endpoint, Fault};

    use super::*;
    use crate::mount::{Fields, new_mark, stage::Stage};

    /// A request that was cut off: what it wrote down, and the key that it asks for.
    async fn cut_off(stage: &Stage, request: &str) -> tailmint::KeyProperties {
        let mark = new_mark().unwrap();
        let role = stage.mount.role("web").await.unwrap().unwrap();
        let config = stage.mount.configured().await.unwrap();
        let what = What::Minting {
            description: mark.clone(),
            until: Timestamp::now() + SignedDuration::from_hours(1),
        };
        let pending = Pending::new(&config.lineage, what);
        let entry = pending::entry(request, &mark);
        stage.mount.vault.put(&entry, &pending).await.unwrap();
        role.key(&mark).unwrap()
    }

    /// The request that was cut off is at the API now.
    async fn arrive(stage: &Stage, key: &tailmint::KeyProperties) -> String {
        let opened = stage.mount.api.opened().unwrap();
        let config = stage.mount.configured().await.unwrap();
        let account = stage.mount.api.account(&config, "").await.unwrap();
        let minted = opened.minter.mint(&account, key).await.unwrap();
        minted.details.id.to_string()
    }

    async fn roll_back(stage: &Stage) -> Result<Reply, Failure> {
        stage.ask("rollback", "", "").await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_that_is_repeated_leaves_one_key() {
        let mut stage = Stage::new().await;
        // One attempt has minted, and another one's request is still on its way. A third is
        // of another request.
        let there = cut_off(&stage, "7f-1").await;
        let there = arrive(&stage, &there).await;
        let late = cut_off(&stage, "7f-1").await;
        let other = cut_off(&stage, "7f-10").await;
        let other = arrive(&stage, &other).await;
        stage.restart().await;
        let read = stage.read("7f-1").await;
        assert_eq!(stage.alive(), [other.clone(), read.id.clone()], "{there}");
        let late = arrive(&stage, &late).await;
        // It is looked for, however soon it is there.
        roll_back(&stage).await.unwrap();
        assert!(stage.alive().contains(&late));
        stage.pass_time();
        roll_back(&stage).await.unwrap();
        assert_eq!(stage.alive(), [read.id], "{late} {other}");
        assert!(stage.storage.names("wal/").is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_that_was_handed_over_in_vain_is_not_kept_for_the_repeated_request() {
        let mut stage = Stage::new().await;
        let key = cut_off(&stage, "7f-1").await;
        let id = arrive(&stage, &key).await;
        let entry = stored(pending::PREFIX, &stage.storage.names(pending::PREFIX)[0]);
        let opened = stage.mount.api.opened().unwrap();
        opened.handed_over.note(&entry).unwrap();
        stage.restart().await;
        let read = stage.read("7f-1").await;
        assert_eq!(stage.alive(), [read.id], "{id}");
        assert!(opened.handed_over.find(&entry).is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lease_of_a_disabled_mount_takes_its_key_with_it_whatever_else_fails() {
        for (is_readable, words) in [(true, "another credential"), (false, "not one of")] {
            let stage = Stage::new().await;
            let reads = [stage.read("a").await, stage.read("b").await];
            // Nobody can look for it any more.
            cut_off(&stage, "c").await;
            if is_readable {
                stage.change_pending(|pending| "another".clone_into(&mut pending.lineage));
            } else {
                stage
                    .storage
                    .change(pending::PREFIX, |_| "an entry".to_owned());
            }
            stage.storage.taint();
            for read in &reads {
                let failure = stage.revoke(read).await.err().unwrap();
                assert!(failure.text().contains(words), "{failure:?}");
                assert!(!stage.alive().contains(&read.id));
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_disabled_mount_leaves_no_key_whose_lease_has_ended() {
        let stage = Stage::new().await;
        let fields = Fields::parse(&json!({ "revoke": false }).to_string()).unwrap();
        stage.mount.write_role("web", fields).await.unwrap();
        let mut read = Vec::new();
        for request in ["a", "b", "c"] {
            let key = stage.read(request).await;
            stage.revoke(&key).await.unwrap();
            read.push(key.id);
        }
        roll_back(&stage).await.unwrap();
        assert_eq!(stage.alive(), read);
        stage.storage.taint();
        // It is told which ones are left.
        stage
            .simulator
            .misbehave(Endpoint::Key, Fault::answer(403, &[], "{}"), 100);
        roll_back(&stage).await.err().unwrap();
        assert_eq!(stage.alive(), read);
        stage.simulator.forgive();
        roll_back(&stage).await.unwrap();
        assert!(stage.alive().is_empty() && stage.storage.names(Minted::PREFIX).is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rollbacks_do_not_pile_up_while_the_api_does_not_respond() {
        let stage = Stage::new().await;
        for request in ["a", "b", "c"] {
            cut_off(&stage, request).await;
        }
        stage.pass_time();
        let requests = || stage.simulator.requests().len();
        let before = requests();
        stage.simulator.misbehave(Endpoint::Any, Fault::Hold, 1);
        let first = roll_back(&stage);
        let second = async {
            while requests() == before {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            let next = roll_back(&stage).await;
            assert!(matches!(next, Ok(Reply::Nothing)));
            assert_eq!(requests(), before + 1);
            stage.simulator.go_on();
        };
        let (first, ()) = tokio::join!(first, second);
        assert!(first.is_ok() && stage.storage.names("wal/").is_empty());
        // The first that is not reached ends it.
        cut_off(&stage, "a").await;
        stage.pass_time();
        stage.simulator.misbehave(Endpoint::Any, Fault::Cut, 1000);
        let mut tried = Vec::new();
        for request in ["b", "c"] {
            let before = requests();
            roll_back(&stage).await.err().unwrap();
            tried.push(requests() - before);
            cut_off(&stage, request).await;
            stage.pass_time();
        }
        assert_eq!(tried[0], tried[1]);
        assert!(tried[0] > 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_that_could_not_be_written_down_does_not_count() {
        let stage = Stage::new().await;
        let fields = Fields::parse(&json!({ "max_per_hour": 1 }).to_string()).unwrap();
        stage.mount.write_role("web", fields).await.unwrap();
        stage.storage.fail_put(pending::PREFIX, false);
        stage.ask("read", "creds/web", "a").await.err().unwrap();
        stage.read("b").await;
        let next = stage.ask("read", "creds/web", "c").await.err().unwrap();
        assert!(matches!(next, Failure::Status(429, _)));
    }
}
