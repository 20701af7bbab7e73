use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tailmint::{KeyId, Tailnet, federated_identity::Audience};
use tailmint_core::Secret;
use tailmint_operator::{Platform, ProfileIdentity, TokenSource, credentials};
use zeroize::Zeroizing;

use super::{Failure, fields::Fields, random_id};

/// The credential of a mount, as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Config {
    /// The same for as long as the same account speaks for the mount, also after a rotation:
    /// what is not found by another one may still be there.
    pub(super) lineage: String,
    /// Of which tailnet.
    pub(super) tailnet: Tailnet,
    /// What keys are minted with.
    pub(super) credential: StoredCredential,
}

/// An OAuth client or a federated identity.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoredCredential {
    /// An OAuth client.
    OauthClient {
        client_id: KeyId,
        client_secret: Zeroizing<String>,
    },
    /// A federated identity.
    FederatedIdentity {
        client_id: KeyId,
        audience: Audience,
        source: StoredSource,
    },
}

/// Where identity tokens come from. A command is not among these: who may write to a Vault
/// does not choose what runs on its machine.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoredSource {
    File(PathBuf),
    Variable(String),
    Gcp,
    Azure {
        resource: String,
        client_id: Option<String>,
    },
    Fly,
}

impl StoredSource {
    fn source(&self) -> TokenSource {
        match self {
            Self::File(path) => TokenSource::File(path.clone()),
            Self::Variable(name) => TokenSource::Variable(name.clone()),
            Self::Gcp => TokenSource::Platform(Platform::Gcp),
            Self::Azure {
                resource,
                client_id,
            } => TokenSource::Platform(Platform::Azure {
                resource: resource.clone(),
                client_id: client_id.clone(),
            }),
            Self::Fly => TokenSource::Platform(Platform::Fly),
        }
    }
}

impl Config {
    /// Under which name it is stored, sealed.
    pub(super) const KEY: &str = "config";

    /// What a request says, over what was there.
    pub(super) fn write(mut fields: Fields, before: Option<&Self>) -> Result<Self, Failure> {
        let client_id: KeyId = fields.parsed("client_id")?.ok_or_else(|| {
            Failure::caller(
                "client_id is missing",
                "give client_id and client_secret, or client_id and a source of identity tokens",
            )
        })?;
        let tailnet = fields.parsed("tailnet")?;
        let tailnet = tailnet.unwrap_or_else(Tailnet::of_credential);
        let secret = fields.secret("client_secret")?;
        let audience = fields.parsed("audience")?;
        let source = source(&mut fields)?;
        fields.end()?;
        let credential = match (secret, source) {
            (Some(secret), None) => {
                if audience.is_some() {
                    return Err(Failure::Caller(
                        "an OAuth client has no audience: that is of a federated identity"
                            .to_owned(),
                    ));
                }
                StoredCredential::OauthClient {
                    client_secret: judged(&client_id, &secret)?,
                    client_id,
                }
            }
            (None, Some(source)) => StoredCredential::FederatedIdentity {
                audience: audience.unwrap_or_else(|| Audience::of_identity(&client_id)),
                client_id,
                source,
            },
            (Some(_), Some(_)) => {
                return Err(Failure::Caller(
                    "client_secret is of an OAuth client, and the source of tokens of a federated identity: give one of them".to_owned(),
                ));
            }
            (None, None) => {
                return Err(Failure::Caller(
                    "client_secret is missing, or one of token_file, token_env and token_source"
                        .to_owned(),
                ));
            }
        };
        let mut config = Self {
            lineage: random_id()?,
            tailnet,
            credential,
        };
        if let Some(before) = before.filter(|before| before.is_same_account(&config)) {
            config.lineage.clone_from(&before.lineage);
        }
        Ok(config)
    }

    fn is_same_account(&self, other: &Self) -> bool {
        self.client_id() == other.client_id() && self.tailnet == other.tailnet
    }

    /// The id of the client or the identity. Not secret.
    pub(super) fn client_id(&self) -> &KeyId {
        match &self.credential {
            StoredCredential::OauthClient { client_id, .. }
            | StoredCredential::FederatedIdentity { client_id, .. } => client_id,
        }
    }

    /// The federated identity, where it is one.
    pub(super) fn identity(&self) -> Option<ProfileIdentity> {
        match &self.credential {
            StoredCredential::OauthClient { .. } => None,
            StoredCredential::FederatedIdentity {
                client_id,
                audience,
                source,
            } => Some(ProfileIdentity::new(
                client_id.clone(),
                Some(audience.clone()),
                source.source(),
            )),
        }
    }

    /// What can be read of it: everything but the secret.
    pub(super) fn shown(&self) -> Value {
        let tailnet = self.tailnet.as_str();
        match &self.credential {
            StoredCredential::OauthClient { client_id, .. } => json!({
                "credential": "oauth-client",
                "client_id": client_id.as_str(),
                "tailnet": tailnet,
            }),
            StoredCredential::FederatedIdentity {
                client_id,
                audience,
                source,
            } => json!({
                "credential": "federated-identity",
                "client_id": client_id.as_str(),
                "audience": audience.as_str(),
                "token": source.source().to_string(),
                "tailnet": tailnet,
            }),
        }
    }
}

/// The secret of a client, which names the client that it is of.
fn judged(client_id: &KeyId, secret: &Secret) -> Result<Zeroizing<String>, Failure> {
    let value = credentials::Kind::ClientSecret.judge(secret.expose_secret().as_bytes());
    let value = value.map_err(|wrong| Failure::Caller(format!("client_secret: {wrong}")))?;
    match value.text.split('-').nth(2) {
        Some(named) if named != client_id.as_str() => Err(Failure::caller(
            format!("client_secret is not of the client {client_id}"),
            "give the id and the secret of the same OAuth client",
        )),
        _ => Ok(value.text),
    }
}

fn source(fields: &mut Fields) -> Result<Option<StoredSource>, Failure> {
    let caller = |text: &str| Failure::Caller(text.to_owned());
    let file: Option<PathBuf> = fields.parsed("token_file")?;
    let variable: Option<String> = fields.parsed("token_env")?;
    let platform: Option<String> = fields.parsed("token_source")?;
    let resource: Option<String> = fields.parsed("azure_resource")?;
    let azure_client: Option<String> = fields.parsed("azure_client_id")?;
    let is_azure = platform.as_deref() == Some("azure");
    if !is_azure && (resource.is_some() || azure_client.is_some()) {
        return Err(caller(
            "azure_resource and azure_client_id are for token_source=azure",
        ));
    }
    match (file, variable, platform) {
        (None, None, None) => Ok(None),
        (Some(path), None, None) if path.is_absolute() => Ok(Some(StoredSource::File(path))),
        (Some(_), None, None) => Err(caller("token_file: give an absolute path")),
        (None, Some(name), None) => Ok(Some(StoredSource::Variable(name))),
        (None, None, Some(platform)) => match platform.as_str() {
            "gcp" => Ok(Some(StoredSource::Gcp)),
            "fly" => Ok(Some(StoredSource::Fly)),
            "azure" => Ok(Some(StoredSource::Azure {
                resource: resource
                    .ok_or_else(|| caller("azure_resource is missing: the App ID URI"))?,
                client_id: azure_client,
            })),
            _ => Err(caller("token_source: give gcp, azure or fly")),
        },
        _ => Err(caller("give one of token_file, token_env and token_source")),
    }
}
