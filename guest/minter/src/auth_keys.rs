//! Makes, reads and revokes auth keys (`tailmint:api/auth-keys`).

use serde::Deserialize;
use tailmint_api::{NewKey, Route, is_key_id, one_line};

use crate::{
    Credential, Error, KeyProperties, Request, Response, Transport, path,
    refusal::{Step, Tags, malformed, refusal},
    token::token,
    transport::Body,
};

/// An auth key as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthKey {
    /// Its id.
    pub id: String,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// When it ends, in RFC 3339.
    pub expires: String,
    /// Whether it joins no more machines.
    pub invalid: bool,
    /// Its properties as granted.
    pub properties: KeyProperties,
}

/// A new auth key with the secret that joins machines.
pub struct MintedKey {
    /// The secret.
    pub key: String,
    /// All else about it.
    pub details: AuthKey,
}

/// Makes a new auth key: one request for a token where the credential is an
/// OAuth client, and one for the key, sent at most once.
pub fn mint(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    properties: &KeyProperties,
) -> Result<MintedKey, Error> {
    properties.check()?;
    let path = path::of_tailnet(Route::CreateKey, tailnet)?;
    let content = serde_json::to_vec(&NewKey::from(properties))
        .map_err(|error| malformed(Step::Token, 0, &error.to_string()))?;
    let token = token(transport, credential)?;
    let response = transport
        .send(&Request {
            route: Route::CreateKey,
            path,
            bearer: Some(token.bearer),
            body: Some(Body {
                content_type: "application/json",
                content,
            }),
        })
        .map_err(super::transport::TransportError::while_making_a_key)?;
    if response.status != 200 {
        let tags = Tags {
            asked: &properties.tags,
            carried: &token.tags,
        };
        return Err(match response.status {
            201..300 => malformed(Step::Create, response.status, "success, but not the API's"),
            _ => refusal(Step::Create, &response, tags),
        });
    }
    let mut shape = shape(Step::Create, &response)?;
    let key = shape.key.take().filter(|key| is_secret(key));
    let details = shape.into_details();
    match key {
        Some(key) => Ok(MintedKey { key, details }),
        None => Err(malformed(
            Step::Create,
            200,
            &format!("key {} came without its secret", details.id),
        )),
    }
}

/// Describes one auth key.
pub fn get(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<AuthKey, Error> {
    let response = ask(transport, credential, tailnet, id, Route::GetKey)?;
    match response.status {
        200 => Ok(shape(Step::Read, &response)?.into_details()),
        _ => Err(refusal(Step::Read, &response, Tags::default())),
    }
}

/// Revokes one auth key.
pub fn revoke(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<(), Error> {
    let response = ask(transport, credential, tailnet, id, Route::DeleteKey)?;
    match response.status {
        200 => Ok(()),
        _ => Err(refusal(Step::Revoke, &response, Tags::default())),
    }
}

/// A request about one key, with a token of its own.
fn ask(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
    route: Route,
) -> Result<Response, Error> {
    let path = path::of_key(route, tailnet, id)?;
    let token = token(transport, credential)?;
    transport
        .send(&Request {
            route,
            path,
            bearer: Some(token.bearer),
            body: None,
        })
        .map_err(|error| error.before_any_key("the key"))
}

/// A key string that was seen is under 100 bytes, and its length varies; with
/// tailnet lock more follows. What it may hold is the host's to judge.
const MAX_KEY_BYTES: usize = 4096;

fn is_secret(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The members of a key in the API's answers (schema `Key` of its `OpenAPI`
/// document) that are of use here. Control servers other than Tailscale's have
/// numbers for ids.
#[derive(Deserialize)]
struct Shape {
    id: Id,
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
    capabilities: Capabilities,
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
    create: Create,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Create {
    reusable: bool,
    ephemeral: bool,
    preauthorized: bool,
    tags: Option<Vec<String>>,
}

fn shape(step: Step, response: &Response) -> Result<Shape, Error> {
    let shape: Shape = serde_json::from_slice(&response.body)
        .map_err(|error| malformed(step, 200, &one_line(&error.to_string())))?;
    let id = match &shape.id {
        Id::Name(name) => name.clone(),
        Id::Number(number) => number.to_string(),
    };
    // The id goes into paths and onto terminals.
    if is_key_id(&id) {
        Ok(shape)
    } else {
        Err(malformed(step, 200, "the key's id is not one"))
    }
}

impl Shape {
    fn into_details(self) -> AuthKey {
        let create = self.capabilities.devices.create;
        AuthKey {
            id: match self.id {
                Id::Name(name) => name,
                Id::Number(number) => number.to_string(),
            },
            created: one_line(&self.created.unwrap_or_default()),
            expires: one_line(&self.expires.unwrap_or_default()),
            invalid: self.invalid,
            properties: KeyProperties {
                reusable: create.reusable,
                ephemeral: create.ephemeral,
                preauthorized: create.preauthorized,
                tags: create
                    .tags
                    .unwrap_or_default()
                    .iter()
                    .map(|tag| one_line(tag))
                    .collect(),
                expiry_seconds: u32::try_from(self.expiry_seconds.unwrap_or_default())
                    .unwrap_or_default(),
                description: self
                    .description
                    .filter(|it| !it.is_empty())
                    .map(|it| one_line(&it)),
            },
        }
    }
}
