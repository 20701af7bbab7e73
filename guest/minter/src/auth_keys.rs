//! Makes, lists, reads and revokes auth keys (`tailmint:api/auth-keys`).

use tailmint_api::{AUTH_KEYS_SCOPE, NewKeyBody, Route};

use crate::{
    Credential, Error, KeyProperties, Transport, call::Caller, described::Described,
    key_kind::KeyKind, path, step::Step,
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

const KIND: KeyKind = KeyKind::AuthKey;

fn caller<'a>(credential: &'a Credential, tailnet: &'a str) -> Caller<'a> {
    Caller {
        credential,
        tailnet,
        scope: AUTH_KEYS_SCOPE,
    }
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
    let (key, described) = caller(credential, tailnet).create(
        transport,
        KIND,
        &NewKeyBody::from(properties),
        &properties.tags,
    )?;
    Ok(MintedKey {
        key,
        details: described.into_auth_key(),
    })
}

/// Describes all auth keys that the credential may see.
pub fn list(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
) -> Result<Vec<AuthKey>, Error> {
    let path = path::of_tailnet(Route::ListKeys, tailnet)?;
    let step = Step::Read(KIND);
    let response = caller(credential, tailnet).ask(transport, step, Route::ListKeys, path, None)?;
    let keys = Described::all(step, &response)?.into_iter();
    Ok(keys
        .filter(|key| key.is("auth"))
        .map(Described::into_auth_key)
        .collect())
}

/// Describes one auth key.
pub fn get(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<AuthKey, Error> {
    let path = path::of_key(Route::GetKey, tailnet, id)?;
    let step = Step::Read(KIND);
    let response = caller(credential, tailnet).ask(transport, step, Route::GetKey, path, None)?;
    Ok(Described::one(step, &response)?.into_auth_key())
}

/// Revokes one auth key.
pub fn revoke(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<(), Error> {
    let path = path::of_key(Route::DeleteKey, tailnet, id)?;
    let step = Step::Delete(KIND);
    caller(credential, tailnet).ask(transport, step, Route::DeleteKey, path, None)?;
    Ok(())
}
