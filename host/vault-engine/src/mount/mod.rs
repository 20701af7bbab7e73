//! One mount of the engine: what Vault asks of it, and what it keeps in Vault's storage.

mod api;
mod config;
mod creds;
mod failure;
mod fields;
mod fresh;
mod handed_over;
mod hourly;
mod lease;
mod minted;
mod path;
mod pending;
mod reply;
mod role;
mod rollback;
mod rotation;
#[cfg(test)]
mod stage;
mod stamp;

pub(crate) use api::Api;
pub(crate) use failure::Failure;
pub(crate) use fresh::Fresh;
pub(crate) use reply::{LeaseOfKey, Reply};

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tailmint::{MintErrorKind, oauth_client::ScopeCheck};
use tailmint_api::{AUTH_KEYS_SCOPE, OAUTH_KEYS_SCOPE};
use tokio::sync::RwLock;
use zeroize::Zeroize;

use crate::vault::Vault;
use config::{Config, StoredCredential};
use fields::Fields;
use hourly::Hourly;
use lease::{Lease, is_over};
use minted::Minted;
use path::{HELP, Path};
use role::{MARK_BYTES, Role};

/// What Vault asks.
pub(crate) struct Request {
    /// The number of the request in Vault's audit log.
    pub(crate) id: String,
    /// What is to be done.
    pub(crate) operation: String,
    /// The path below the mount.
    pub(crate) path: String,
    /// A JSON object, or `null`. It may have a secret in it.
    pub(crate) data: String,
    /// What was kept with the lease, where the request is about one.
    pub(crate) lease: Option<OfLease>,
}

/// What Vault hands back of a lease.
pub(crate) struct OfLease {
    /// What the engine keeps with it, as JSON.
    pub(crate) internal_data: String,
    /// When it was issued, in seconds since 1970.
    pub(crate) issued: i64,
    /// By how many seconds it is to be renewed; 0 for none in particular.
    pub(crate) increment: i64,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// A mount.
pub(crate) struct Mount {
    vault: Vault,
    api: Arc<Api>,
    hourly: Hourly,
    /// Held for reading while the credential is used, and for writing while it is replaced.
    credential: RwLock<()>,
    /// Held while what was left behind is looked for.
    rolling_back: tokio::sync::Mutex<()>,
    /// When what has expired was cleared away.
    tidied: std::sync::Mutex<Option<Timestamp>>,
}

/// 16 hexadecimal digits that nobody can guess.
fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Internal(format!("there are no random numbers: {error}")))?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// A name that a key or a client has at the API, and no other.
fn new_mark() -> Result<String, Failure> {
    Ok(format!("vault-{}", random_id()?))
}

impl Mount {
    /// A mount with this storage.
    pub(crate) fn new(vault: Vault, api: Arc<Api>) -> Self {
        Self {
            vault,
            api,
            hourly: Hourly::default(),
            credential: RwLock::default(),
            rolling_back: tokio::sync::Mutex::default(),
            tidied: std::sync::Mutex::default(),
        }
    }

    /// Whether what a write is about is there already; `None` where that makes no
    /// difference.
    pub(crate) async fn exists(&self, path: &str) -> Result<Option<bool>, Failure> {
        Ok(match Path::parse(path) {
            Ok(Path::Config) => Some(self.config().await?.is_some()),
            Ok(Path::Role(name)) => Some(self.role(name.as_str()).await?.is_some()),
            _ => None,
        })
    }

    /// Does what Vault asks.
    pub(crate) async fn handle(self: &Arc<Self>, request: &Request) -> Result<Reply, Failure> {
        let of_lease = || {
            let none = || Failure::Internal("the request has no lease".to_owned());
            request.lease.as_ref().ok_or_else(none)
        };
        match request.operation.as_str() {
            "revoke" => self.revoke(of_lease()?, &request.id).await,
            "renew" => renew(of_lease()?),
            "rollback" => self.roll_back(&request.id).await,
            "help" => help(&request.path),
            operation => {
                let path = Path::parse(&request.path)?;
                self.on_path(operation, &path, request).await
            }
        }
    }

    async fn on_path(
        self: &Arc<Self>,
        operation: &str,
        path: &Path,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let fields = || Fields::parse(&request.data);
        match (operation, path) {
            ("read", Path::Config) => Ok(match self.config().await? {
                None => Reply::Nothing,
                Some(config) => Reply::data(config.shown()),
            }),
            ("create" | "update", Path::Config) => self.write_config(fields()?).await,
            ("delete", Path::Config) => self.delete_config().await,
            ("read", Path::Check) => self.check(&request.id).await,
            ("create" | "update", Path::RotateRoot) => {
                fields()?.end()?;
                self.rotate_root(&request.id).await
            }
            ("list", Path::Roles) => self.list(Role::PREFIX).await,
            ("read", Path::Role(name)) => Ok(match self.role(name.as_str()).await? {
                None => Reply::Nothing,
                Some(role) => Reply::data(role.shown()),
            }),
            ("create" | "update", Path::Role(name)) => {
                self.write_role(name.as_str(), fields()?).await
            }
            ("delete", Path::Role(name)) => {
                self.vault
                    .delete(&stored(Role::PREFIX, name.as_str()))
                    .await?;
                Ok(Reply::Nothing)
            }
            ("read", Path::Creds(name)) => self.mint(name, &request.id).await,
            ("list", Path::Keys) => self.list(Minted::PREFIX).await,
            ("read", Path::Key(id)) => {
                let minted: Option<Minted> =
                    self.vault.get(&stored(Minted::PREFIX, id.as_str())).await?;
                Ok(minted.map_or(Reply::Nothing, |minted| Reply::data(minted.shown())))
            }
            _ => Err(Failure::NoOperation),
        }
    }

    async fn config(&self) -> Result<Option<Config>, Failure> {
        Ok(self.vault.get(Config::KEY).await?)
    }

    async fn configured(&self) -> Result<Config, Failure> {
        self.config().await?.ok_or_else(|| {
            Failure::caller(
                "this mount has no credential",
                "write client_id and client_secret to its path config",
            )
        })
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, Failure> {
        Ok(self.vault.get(&stored(Role::PREFIX, name)).await?)
    }

    async fn list(&self, prefix: &str) -> Result<Reply, Failure> {
        let keys = self.vault.list(prefix).await?;
        Ok(if keys.is_empty() {
            // Vault's own command says that there is nothing.
            Reply::Nothing
        } else {
            Reply::data(json!({ "keys": keys }))
        })
    }

    async fn write_config(&self, fields: Fields) -> Result<Reply, Failure> {
        let _alone = self.credential.write().await;
        let before = self.config().await?;
        let config = Config::write(fields, before.as_ref())?;
        self.vault.put_sealed(Config::KEY, &config).await?;
        let is_other = before.is_some_and(|before| before.lineage != config.lineage);
        let alive = if is_other { self.alive().await? } else { 0 };
        Ok(match alive {
            0 => Reply::Nothing,
            alive => Reply::warning(format!(
                "keys of the former credential that are alive: {alive}; they can be revoked only if the new one finds them"
            )),
        })
    }

    async fn delete_config(&self) -> Result<Reply, Failure> {
        let _alone = self.credential.write().await;
        let pending = self.vault.list(pending::PREFIX).await?.len();
        let alive = self.alive().await? + pending;
        if alive > 0 {
            return Err(Failure::caller(
                format!(
                    "keys that are alive: {alive}; without the credential nobody could revoke them"
                ),
                "revoke their leases first: vault lease revoke -prefix MOUNT/creds",
            ));
        }
        self.vault.delete(Config::KEY).await?;
        Ok(Reply::Nothing)
    }

    /// How many keys are alive, as far as this mount knows.
    async fn alive(&self) -> Result<usize, Failure> {
        let mut alive = 0;
        for id in self.vault.list(Minted::PREFIX).await? {
            let minted: Option<Minted> = self.vault.get(&stored(Minted::PREFIX, &id)).await?;
            alive += usize::from(minted.is_some_and(|minted| !is_over(minted.expires)));
        }
        Ok(alive)
    }

    async fn write_role(&self, name: &str, fields: Fields) -> Result<Reply, Failure> {
        let before = self.role(name).await?;
        let role = Role::write(fields, before)?;
        let tailnet = self.config().await?.map(|config| config.tailnet);
        let key = role.key(&"0".repeat(MARK_BYTES))?;
        let opened = self.api.opened()?;
        opened.allows(
            &tailnet.unwrap_or_else(tailmint::Tailnet::of_credential),
            &key,
        )?;
        self.vault.put(&stored(Role::PREFIX, name), &role).await?;
        Ok(Reply::Nothing)
    }

    async fn check(&self, request: &str) -> Result<Reply, Failure> {
        let _used = self.credential.read().await;
        let config = self.configured().await?;
        let opened = self.api.opened()?;
        let account = self.api.account(&config, request).await?;
        let _permit = self.api.permit().await;
        let (scopes, tags) = match &config.credential {
            StoredCredential::OauthClient { .. } => {
                let asked = [AUTH_KEYS_SCOPE, OAUTH_KEYS_SCOPE];
                let asked = asked.map(|scope| scope.parse().expect("a scope"));
                let checks = opened.minter.check_scopes(&account, &asked).await;
                let checks = checks.map_err(|error| Failure::of_mint(&error))?;
                let granted = checks.iter().filter(|check| check.granted);
                let tags = granted.clone().map(|check| &check.tags).next().cloned();
                let name = |check: &ScopeCheck| check.scope.to_string();
                (granted.map(name).collect(), tags.unwrap_or_default())
            }
            StoredCredential::FederatedIdentity { .. } => {
                let grant = opened.minter.check_identity(&account).await;
                let grant = grant.map_err(|error| Failure::of_mint(&error))?;
                (grant.scopes, grant.tags)
            }
        };
        let mut denied = Vec::new();
        for name in self.vault.list(Role::PREFIX).await? {
            if let Some(role) = self.role(&name).await? {
                let key = role.key(&"0".repeat(MARK_BYTES))?;
                if opened.allows(&config.tailnet, &key).is_err() {
                    denied.push(name);
                }
            }
        }
        let has = |scope: &str| scopes.iter().any(|it: &String| it == scope);
        let mints = has(AUTH_KEYS_SCOPE) || has("all");
        let data = json!({
            "client_id": config.client_id().as_str(),
            "mints": mints,
            "scopes": scopes,
            "tags": tags,
            "roles_denied": denied,
            "policy": opened.policy.digest(),
            "audit_file": opened.audit_path.display().to_string(),
        });
        Ok(if mints {
            Reply::data(data)
        } else {
            Reply::data(data).with_warning(
                "the credential lacks the scope auth_keys: no key can be minted with it",
            )
        })
    }

    /// Revokes the key of a lease. What is not there any more is revoked: this may be asked
    /// more than once.
    async fn revoke(self: &Arc<Self>, of_lease: &OfLease, request: &str) -> Result<Reply, Failure> {
        let lease = Lease::parse(&of_lease.internal_data)?;
        let record = stored(Minted::PREFIX, lease.key.as_str());
        let is_last = self.vault.is_tainted().await?;
        let is_due = lease.revoke || is_last;
        if is_over(lease.expires) {
            self.vault.delete(&record).await?;
        } else if is_due {
            let _used = self.credential.read().await;
            let config = self.configured().await?;
            self.revoke_key(&config, &lease.lineage, &lease.key, request)
                .await?;
            self.vault.delete(&record).await?;
        }
        // What the mount leaves behind is nobody's. Vault disables it even where the rollback
        // before failed; but not where a revocation fails.
        if is_last {
            self.roll_back(request).await?;
        }
        Ok(Reply::Nothing)
    }

    /// Revokes a key that this account minted. One that is not there is revoked, unless
    /// another account minted it, whose keys this one may not find.
    async fn revoke_key(
        &self,
        config: &Config,
        lineage: &str,
        key: &tailmint::KeyId,
        request: &str,
    ) -> Result<(), Failure> {
        let opened = self.api.opened()?;
        let account = self.api.account(config, request).await?;
        let _permit = self.api.permit().await;
        match opened.minter.revoke(&account, key).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == MintErrorKind::NotFound => {
                if config.lineage == lineage {
                    return Ok(());
                }
                Err(Failure::Internal(format!(
                    "key {key} was minted with another credential, and {} does not find it\nhint: revoke it in the admin console, then: vault lease revoke -force -prefix LEASE",
                    config.client_id()
                )))
            }
            Err(error) => Err(Failure::of_mint(&error)),
        }
    }
}

/// The name of an entry of Vault's storage.
fn stored(prefix: &str, name: &str) -> String {
    format!("{prefix}{name}")
}

fn renew(of_lease: &OfLease) -> Result<Reply, Failure> {
    let lease = Lease::parse(&of_lease.internal_data)?;
    let ttl = lease.renewed(of_lease.issued, of_lease.increment, Timestamp::now())?;
    Ok(Reply::Renewed { ttl })
}

fn help(path: &str) -> Result<Reply, Failure> {
    let text = match path.trim_matches('/') {
        "" => HELP,
        path => Path::parse(path)?.help(),
    };
    let none: [Value; 0] = [];
    Ok(Reply::data(json!({ "help": text, "see_also": none })))
}
