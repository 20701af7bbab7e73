//! Auth keys and OAuth clients as the API's responses describe them.

use serde::Deserialize;
use tailmint_api::{KeyCapabilities, NewKeyBody, is_key_id, one_line};

use crate::{
    AuthKey, ClientDetails, ClientProperties, Error, Response, key_kind::KeyKind, list::list,
    rejection::malformed, step::Step,
};

/// The members of a key of any kind in the API's responses (schema `Key` of its
/// `OpenAPI` document) that are of use here. Control servers other than Tailscale's
/// have numbers for ids.
#[derive(Deserialize)]
pub(crate) struct Described {
    id: Id,
    #[serde(default, rename = "keyType")]
    key_type: Option<String>,
    key: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    invalid: bool,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, rename = "expirySeconds")]
    expiry_seconds: Option<i64>,
    #[serde(default)]
    capabilities: Option<Capabilities>,
    #[serde(default, deserialize_with = "list")]
    scopes: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Name(String),
    Number(u64),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    devices: Devices,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Devices {
    create: KeyCapabilities<Option<Vec<String>>>,
}

#[derive(Deserialize)]
struct List {
    #[serde(deserialize_with = "list")]
    keys: Vec<Described>,
}

/// A key string that was seen is under 100 bytes, and its length varies; with
/// tailnet lock more follows. What it may hold is the host's to judge.
const MAX_SECRET_BYTES: usize = 4096;

impl Described {
    /// The one that the response describes.
    pub(crate) fn one(step: Step, response: &Response) -> Result<Self, Error> {
        let described: Self = serde_json::from_slice(&response.body)
            .map_err(|error| malformed(step, 200, &one_line(&error.to_string())))?;
        described.check(step)
    }

    /// All that the response describes.
    pub(crate) fn all(step: Step, response: &Response) -> Result<Vec<Self>, Error> {
        let all: List = serde_json::from_slice(&response.body)
            .map_err(|error| malformed(step, 200, &one_line(&error.to_string())))?;
        all.keys
            .into_iter()
            .map(|described| described.check(step))
            .collect()
    }

    /// The id goes into paths and onto terminals.
    fn check(self, step: Step) -> Result<Self, Error> {
        if is_key_id(&self.id()) {
            Ok(self)
        } else {
            Err(malformed(step, 200, "invalid key id"))
        }
    }

    pub(crate) fn id(&self) -> String {
        match &self.id {
            Id::Name(name) => name.clone(),
            Id::Number(number) => number.to_string(),
        }
    }

    /// Whether it is of this kind. What names no kind is an auth key, as in requests.
    pub(crate) fn is(&self, kind: KeyKind) -> bool {
        match &self.key_type {
            Some(key_type) => key_type == kind.key_type(),
            None => kind == KeyKind::AuthKey,
        }
    }

    /// Its secret, which only something new comes with.
    pub(crate) fn take_secret(&mut self) -> Option<String> {
        self.key.take().filter(|key| {
            !key.is_empty()
                && key.len() <= MAX_SECRET_BYTES
                && key.bytes().all(|byte| byte.is_ascii_graphic())
        })
    }

    pub(crate) fn into_auth_key(self) -> AuthKey {
        let create = self.capabilities.unwrap_or_default().devices.create;
        AuthKey {
            id: match self.id {
                Id::Name(name) => name,
                Id::Number(number) => number.to_string(),
            },
            created: one_line(&self.created.unwrap_or_default()),
            expires: one_line(&self.expires.unwrap_or_default()),
            invalid: self.invalid,
            properties: NewKeyBody {
                capabilities: create.with_tags(|tags| lines(tags.as_deref().unwrap_or_default())),
                expiry_seconds: u32::try_from(self.expiry_seconds.unwrap_or_default())
                    .unwrap_or_default(),
                description: self
                    .description
                    .filter(|it| !it.is_empty())
                    .map(|it| one_line(&it)),
            }
            .into(),
        }
    }

    pub(crate) fn into_client(self) -> ClientDetails {
        ClientDetails {
            id: self.id(),
            created: one_line(&self.created.unwrap_or_default()),
            invalid: self.invalid,
            properties: ClientProperties {
                description: one_line(&self.description.unwrap_or_default()),
                scopes: lines(&self.scopes),
                tags: lines(&self.tags),
            },
        }
    }
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| one_line(text)).collect()
}
