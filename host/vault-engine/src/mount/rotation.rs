use serde_json::json;
use tailmint::{
    Account, Description, KeyId, Minter,
    oauth_client::{ClientDetails, ClientProperties, NewClient, Scope},
};
use tailmint_api::{AUTH_KEYS_SCOPE, MAX_DESCRIPTION_BYTES};
use tailmint_core::fail_point;
use zeroize::Zeroizing;

use super::{
    Failure, Mount, Reply,
    config::{Config, StoredCredential},
    failure::may_be_alive,
    new_mark,
    pending::{self, Pending, What},
    role::MARK_BYTES,
    stored,
};

impl Mount {
    /// Creates an OAuth client like the one of the mount, checks it, stores it, and only then
    /// deletes the old one. At every moment the mount has one that works.
    pub(super) async fn rotate_root(&self, request: &str) -> Result<Reply, Failure> {
        let _alone = self.credential.write().await;
        let config = self.configured().await?;
        if let StoredCredential::FederatedIdentity { .. } = &config.credential {
            return Err(Failure::Caller(
                "a federated identity has no secret to rotate".to_owned(),
            ));
        }
        let opened = self.api.opened()?;
        let minter = &opened.minter;
        let account = self.api.account(&config, request).await?;
        let old = config.client_id().clone();
        let entry = pending::entry(request, &new_mark()?);
        let _work = self.api.working.begin(&entry);
        self.clear_earlier(request).await?;
        let client = listed(minter, &account, &old).await?;
        let properties = like(&client)?;
        self.settle_rotations(&client).await?;
        let what = What::Rotating {
            description: properties.description.to_string(),
            old: old.clone(),
        };
        let pending = Pending::new(&config.lineage, what);
        self.vault.put(&entry, &pending).await?;
        let created = minter.create_client(&account, &properties).await;
        let created = match created {
            Ok(created) => created,
            Err(error) => {
                if !may_be_alive(&error) {
                    self.vault.delete(&entry).await?;
                }
                return Err(Failure::of_mint(&error));
            }
        };
        fail_point("engine-client-created");
        let new = created.details.id.clone();
        let accepted = self.accepted(minter, &config, &created, &properties, request);
        let (config, new_account) = match accepted.await {
            Ok(accepted) => accepted,
            Err(failure) => {
                // What cannot be deleted now is deleted at a rollback.
                if minter.delete_client(&account, &new).await.is_ok() {
                    self.vault.delete(&entry).await?;
                }
                return Err(failure);
            }
        };
        if let Err(error) = self.vault.put_sealed(Config::KEY, &config).await {
            // It may be stored all the same: a rollback sees, and deletes the other one.
            return Err(Failure::Internal(format!(
                "{error}\nhint: which OAuth client the mount has, its path config says; the other one is deleted at a rollback, in a minute or two"
            )));
        }
        fail_point("engine-client-stored");
        let deleted = minter.delete_client(&new_account, &old).await;
        let data = json!({
            "client_id": new.as_str(),
            "replaced": old.as_str(),
            "deleted": deleted.is_ok(),
        });
        match deleted {
            Ok(()) => {
                self.vault.delete(&entry).await?;
                Ok(Reply::data(data))
            }
            Err(error) => {
                let warning = format!(
                    "the old OAuth client {old} is not deleted yet, and is tried again every minute: {error}"
                );
                // Where that fails, a rollback sees by the configuration which one is old.
                let pending = Pending::new(&config.lineage, What::Replaced { old });
                self.vault.put(&entry, &pending).await.ok();
                Ok(Reply::data(data).with_warning(&warning))
            }
        }
    }

    /// Writes down which clients this one has replaced, as long as it is the mount's and can
    /// tell.
    async fn settle_rotations(&self, client: &ClientDetails) -> Result<(), Failure> {
        for name in self.vault.list(pending::PREFIX).await? {
            let entry = stored(pending::PREFIX, &name);
            let Some(pending) = self.vault.get::<Pending>(&entry).await? else {
                continue;
            };
            match pending.what {
                What::Rotating { description, old } if description == client.description => {
                    let replaced = Pending::new(&pending.lineage, What::Replaced { old });
                    self.vault.put(&entry, &replaced).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks the new client: with it, the mount can do what it could.
    async fn accepted(
        &self,
        minter: &Minter,
        config: &Config,
        created: &NewClient,
        properties: &ClientProperties,
        request: &str,
    ) -> Result<(Config, Account), Failure> {
        let new = Config {
            credential: StoredCredential::OauthClient {
                client_id: created.details.id.clone(),
                client_secret: Zeroizing::new(created.secret.expose_secret().to_owned()),
            },
            ..config.clone()
        };
        let account = self.api.account(&new, request).await?;
        let checks = minter.check_scopes(&account, &properties.scopes).await;
        let checks = checks.map_err(|error| Failure::of_mint(&error))?;
        if let Some(lacking) = checks.iter().find(|check| !check.granted) {
            return Err(Failure::Status(
                502,
                format!(
                    "the new OAuth client cannot grant {}, which the old one can: it is not used",
                    lacking.scope
                ),
            ));
        }
        Ok((new, account))
    }
}

/// The client as the API lists it.
async fn listed(minter: &Minter, account: &Account, id: &KeyId) -> Result<ClientDetails, Failure> {
    let clients = minter.list_clients(account).await;
    let clients = clients.map_err(|error| Failure::of_mint(&error))?;
    let client = clients.into_iter().find(|client| client.id == *id);
    client.ok_or_else(|| Failure::Caller(format!("the API does not list the OAuth client {id}")))
}

/// What the client is, but for its description, which gets a new mark.
fn like(client: &ClientDetails) -> Result<ClientProperties, Failure> {
    let id = &client.id;
    let unknown = |what: &str| Failure::Internal(format!("the OAuth client {id} has {what}"));
    let scopes: Result<Vec<Scope>, _> = client.scopes.iter().map(|it| it.parse()).collect();
    let scopes = scopes.map_err(|_| unknown("a scope that is not known here"))?;
    if !scopes.iter().any(|scope| scope.as_str() == AUTH_KEYS_SCOPE) {
        return Err(unknown("no scope auth_keys"));
    }
    let tags: Result<Vec<_>, _> = client.tags.iter().map(|it| it.parse()).collect();
    Ok(ClientProperties {
        description: marked(&client.description)?,
        scopes,
        tags: tags.map_err(|_| unknown("a tag that is not one"))?,
    })
}

/// The description with a new mark in place of the last.
fn marked(description: &str) -> Result<Description, Failure> {
    let base = match description.rsplit_once(' ') {
        Some((base, mark)) if is_mark(mark) => base,
        None if is_mark(description) => "",
        _ => description,
    };
    let most = MAX_DESCRIPTION_BYTES - MARK_BYTES - " ".len();
    let base: String = base.chars().take(most).collect();
    let described = format!("{} {}", base.trim(), new_mark()?);
    described.trim().parse().map_err(|_| {
        Failure::Internal("the description of the OAuth client cannot be used".to_owned())
    })
}

fn is_mark(text: &str) -> bool {
    text.len() == MARK_BYTES
        && text
            .strip_prefix("vault-")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tailmint_simulator::{Endpoint, Fault};

    use super::*;
    use crate::mount::stage::Stage;

    #[test]
    fn a_description_has_one_mark_however_often_it_is_rotated() {
        let first = marked("lab vault").unwrap().to_string();
        let second = marked(&first).unwrap().to_string();
        assert!(first.starts_with("lab vault vault-") && second.starts_with("lab vault vault-"));
        assert_eq!((first.len(), second.len()), (32, 32));
        assert_ne!(first, second);
        let alone = marked("").unwrap().to_string();
        assert!(is_mark(&alone) && is_mark(marked(&alone).unwrap().as_str()));
        let long = marked(&"a".repeat(50)).unwrap();
        assert_eq!(long.as_str().len(), MAX_DESCRIPTION_BYTES);
    }

    fn value(reply: Reply) -> Value {
        match reply {
            Reply::Data { data, .. } => data,
            _ => panic!("no data"),
        }
    }

    async fn rotate(stage: &Stage, request: &str) -> Result<Value, Failure> {
        let reply = stage.ask("update", "config/rotate-root", request).await;
        reply.map(value)
    }

    async fn roll_back(stage: &Stage) {
        stage.pass_time();
        stage.ask("rollback", "", "").await.unwrap();
        assert_eq!(stage.storage.names("wal/"), [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_may_be_stored_is_kept_until_it_is_seen_which_one_is() {
        for is_stored in [false, true] {
            let stage = Stage::new().await;
            let (old, before) = (stage.client().await, stage.clients());
            stage.storage.fail_put("config", is_stored);
            let failure = rotate(&stage, "a").await.unwrap_err();
            assert!(failure.text().contains("leadership lost"), "{failure:?}");
            assert_eq!(stage.clients().len(), before.len() + 1);
            // Neither Vault's own request, nor one that is made once more, decides it yet.
            stage.ask("rollback", "", "").await.unwrap();
            stage.mount.clear_earlier("a").await.unwrap();
            assert_eq!(stage.clients().len(), before.len() + 1);
            roll_back(&stage).await;
            assert_eq!(stage.clients().len(), before.len());
            let named = stage.client().await;
            assert_eq!(named != old, is_stored);
            assert!(stage.clients().contains(&named));
            assert_eq!(stage.clients().contains(&old), !is_stored);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn clients_that_could_not_be_deleted_are_also_after_the_next_rotation() {
        for is_told in [true, false] {
            let stage = Stage::new().await;
            let first = stage.client().await;
            if is_told {
                let fault = Fault::answer(500, &[], "");
                stage.simulator.misbehave(Endpoint::Key, fault, 100);
                let rotated = rotate(&stage, "a").await.unwrap();
                assert_eq!(rotated["deleted"], false);
                stage.simulator.forgive();
            } else {
                stage.storage.fail_put("config", true);
                rotate(&stage, "a").await.unwrap_err();
            }
            assert!(stage.clients().contains(&first));
            let rotated = rotate(&stage, "b").await.unwrap();
            assert_eq!(rotated["deleted"], true);
            roll_back(&stage).await;
            let other = stage.simulator.client("other").unwrap().id;
            let mut left = [stage.client().await, other];
            left.sort();
            assert_eq!(stage.clients(), left, "{is_told}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_the_mount_has_not_replaced_is_not_deleted() {
        let stage = Stage::new().await;
        let before = stage.clients();
        stage.storage.fail_put("config", false);
        rotate(&stage, "a").await.unwrap_err();
        // Somebody writes another credential before it is seen what became of it.
        stage.configure("other").await;
        roll_back(&stage).await;
        assert_eq!(stage.clients(), before);
    }
}
