use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailmint::{MintedKey, Tag};
use tailmint_core::fail_point;
use zeroize::Zeroizing;

use super::{
    Failure, LeaseOfKey, Mount, Reply,
    config::Config,
    failure::may_be_alive,
    fresh::Fresh,
    hourly::Taken,
    lease::{Lease, lasting},
    minted::Minted,
    new_mark,
    path::Name,
    pending::{self, Pending, What, Work},
    role::Role,
    stored,
};

/// A mint, as far as it was written down.
struct Begun<'a> {
    config: &'a Config,
    role: &'a Role,
    name: &'a Name,
    request: &'a str,
    /// Under which name it is written down.
    entry: String,
    description: String,
}

impl Mount {
    /// Mints a key of the role. Before the API is asked, it is written down what is asked
    /// for, under the number of the request: Vault may make the same request of a new
    /// process.
    pub(super) async fn mint(
        self: &Arc<Self>,
        name: &Name,
        request: &str,
    ) -> Result<Reply, Failure> {
        let _used = self.credential.read().await;
        let config = self.configured().await?;
        let role = self.role(name.as_str()).await?.ok_or_else(|| {
            Failure::caller(
                format!("there is no role {}", name.as_str()),
                "see which there are: vault list MOUNT/roles",
            )
        })?;
        let opened = self.api.opened()?;
        let mark = new_mark()?;
        let key = role.key(&mark)?;
        let entry = pending::entry(request, &mark);
        let work = self.api.working.begin(&entry);
        self.clear_earlier(request).await?;
        let account = self.api.account(&config, request).await?;
        let _permit = self.api.permit().await;
        let taken = self.hourly.take(&self.vault, name, &role).await?;
        let description = key.description.as_ref().map_or("", |it| it.as_str());
        let what = What::Minting {
            description: description.to_owned(),
            until: after(Timestamp::now(), role.expiry.as_secs()),
        };
        let pending = Pending::new(&config.lineage, what);
        if let Err(error) = self.vault.put(&entry, &pending).await {
            // It may be written down all the same: then a rollback finds no key.
            self.give_back(name, taken).await;
            return Err(error.into());
        }
        fail_point("engine-written-down");
        let minted = opened.minter.mint(&account, &key).await;
        fail_point("engine-minted");
        match minted {
            Ok(minted) => {
                let begun = Begun {
                    config: &config,
                    role: &role,
                    name,
                    request,
                    entry,
                    description: description.to_owned(),
                };
                self.leased(&begun, &minted, work).await
            }
            Err(error) => {
                if !may_be_alive(&error) {
                    self.give_back(name, taken).await;
                    self.vault.delete(&entry).await?;
                }
                Err(Failure::of_mint(&error))
            }
        }
    }

    /// A key that was counted was not minted. Where that cannot be stored, the role mints one
    /// less within the hour.
    async fn give_back(&self, name: &Name, taken: Option<Taken>) {
        if let Some(taken) = taken {
            self.hourly.give_back(&self.vault, name, taken).await.ok();
        }
    }

    async fn leased(
        self: &Arc<Self>,
        begun: &Begun<'_>,
        minted: &MintedKey,
        work: Work,
    ) -> Result<Reply, Failure> {
        let Begun {
            config,
            role,
            name,
            request,
            entry,
            description,
        } = begun;
        let details = &minted.details;
        let now = Timestamp::now();
        let ends = details.expires.parse();
        let expires = ends.unwrap_or_else(|_| after(now, role.expiry.as_secs()));
        // From here on the key is revoked unless it is taken.
        let fresh = Fresh::new(
            Arc::clone(self),
            (details.id.clone(), expires),
            (*config).clone(),
            (entry.clone(), (*request).to_owned()),
            work,
        );
        let record = Minted {
            role: name.as_str().to_owned(),
            description: description.clone(),
            created: now,
            expires,
            request: (*request).to_owned(),
            lineage: config.lineage.clone(),
        };
        self.vault
            .put(&stored(Minted::PREFIX, details.id.as_str()), &record)
            .await?;
        let lease = Lease {
            key: details.id.clone(),
            role: name.as_str().to_owned(),
            expires,
            lineage: config.lineage.clone(),
            ttl: lasting(role.ttl().as_secs(), expires, now),
            max_ttl: lasting(role.max_ttl().as_secs(), expires, now),
            revoke: role.revoke,
        };
        fail_point("engine-leased");
        let tags: Vec<_> = role.tags.iter().map(Tag::as_str).collect();
        let data = json!({
            "key": minted.key.expose_secret(),
            "key_id": details.id.as_str(),
            "expires": expires.to_string(),
            "tags": tags,
            "reusable": role.reusable,
            "ephemeral": role.ephemeral,
            "preauthorized": role.preauthorized,
        });
        let internal_data =
            serde_json::to_string(&lease).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Reply::Key(Box::new(LeaseOfKey {
            data: Zeroizing::new(data.to_string()),
            internal_data,
            ttl: lease.ttl.into(),
            max_ttl: lease.max_ttl.into(),
            issued: now.as_second(),
            fresh,
        })))
    }
}

fn after(from: Timestamp, seconds: u32) -> Timestamp {
    from.checked_add(SignedDuration::from_secs(seconds.into()))
        .unwrap_or(Timestamp::MAX)
}
