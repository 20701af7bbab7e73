use serde_json::json;
use tailmint::{
    Account, Description, KeyId, Minter,
    oauth_client::{ClientProperties, NewClient, Scope},
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
        let entry = match request {
            "" => stored(pending::PREFIX, &new_mark()?),
            request => stored(pending::PREFIX, request),
        };
        let _work = self.api.working.begin(&entry);
        self.clear_earlier(&entry, request).await?;
        let properties = like(minter, &account, &old).await?;
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
        let config = match accepted.await {
            Ok(config) => config,
            Err(failure) => {
                // What cannot be deleted now is deleted at a rollback.
                if minter.delete_client(&account, &new).await.is_ok() {
                    self.vault.delete(&entry).await?;
                }
                return Err(failure);
            }
        };
        fail_point("engine-client-stored");
        let account = self.api.account(&config, request).await?;
        let deleted = minter.delete_client(&account, &old).await;
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
            Err(error) => Ok(Reply::data(data).with_warning(&format!(
                "the old OAuth client {old} is not deleted yet, and is tried again every minute: {error}"
            ))),
        }
    }

    /// Checks the new client, and stores it in place of the old one.
    async fn accepted(
        &self,
        minter: &Minter,
        config: &Config,
        created: &NewClient,
        properties: &ClientProperties,
        request: &str,
    ) -> Result<Config, Failure> {
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
        self.vault.put_sealed(Config::KEY, &new).await?;
        Ok(new)
    }
}

/// What the client is, but for its description, which gets a new mark.
async fn like(minter: &Minter, account: &Account, id: &KeyId) -> Result<ClientProperties, Failure> {
    let clients = minter.list_clients(account).await;
    let clients = clients.map_err(|error| Failure::of_mint(&error))?;
    let client = clients.into_iter().find(|client| client.id == *id);
    let client = client
        .ok_or_else(|| Failure::Caller(format!("the API does not list the OAuth client {id}")))?;
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
    use super::*;

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
}
