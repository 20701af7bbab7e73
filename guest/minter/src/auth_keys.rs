//! Creates, lists, reads and revokes auth keys (`tailmint:api/auth-keys`).

use tailmint_api::{AUTH_KEYS_SCOPE, Kind, NewKeyBody};

use crate::{
    AuthKey, Credential, Error, KeyProperties, MintedKey, Transport, described, resource::Resource,
};

const AUTH_KEYS: Resource<AuthKey> = Resource {
    kind: Kind::AuthKey,
    scope: AUTH_KEYS_SCOPE,
    describe: described::auth_key,
};

/// Creates an auth key: one request for a token where the credential is an OAuth
/// client, and one for the key, sent at most once.
pub fn mint(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    properties: &KeyProperties,
) -> Result<MintedKey, Error> {
    properties.check()?;
    let body = NewKeyBody::from(properties.clone());
    let (key, details) =
        AUTH_KEYS.create(transport, credential, tailnet, &body, &properties.tags)?;
    Ok(MintedKey { key, details })
}

/// Describes all auth keys that the credential may see.
pub fn list(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
) -> Result<Vec<AuthKey>, Error> {
    AUTH_KEYS.list(transport, credential, tailnet)
}

/// Describes one auth key.
pub fn get(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<AuthKey, Error> {
    AUTH_KEYS.get(transport, credential, tailnet, id)
}

/// Revokes one auth key.
pub fn revoke(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<(), Error> {
    AUTH_KEYS.delete(transport, credential, tailnet, id)
}
