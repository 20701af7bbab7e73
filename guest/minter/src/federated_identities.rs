//! Creates, lists, changes and deletes federated identities, and asks whether one takes a
//! token (`tailmint:api/federated-identities`).

use tailmint_api::{FEDERATED_KEYS_SCOPE, Kind, NewIdentityBody};

use crate::{
    Credential, Error, FederatedIdentity, IdentityDetails, IdentityGrant, IdentityProperties,
    Transport, described, resource::Resource, token::exchange,
};

const FEDERATED_IDENTITIES: Resource<IdentityDetails> = Resource {
    kind: Kind::FederatedIdentity,
    scope: FEDERATED_KEYS_SCOPE,
    describe: described::identity,
};

/// Creates a federated identity, with a request that is sent at most once.
pub fn create(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    properties: &IdentityProperties,
) -> Result<IdentityDetails, Error> {
    properties.check()?;
    let body = NewIdentityBody::from(properties);
    let tags = &properties.tags;
    FEDERATED_IDENTITIES.create_without_secret(transport, credential, tailnet, &body, tags)
}

/// Describes all federated identities that the credential may see.
pub fn list(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
) -> Result<Vec<IdentityDetails>, Error> {
    FEDERATED_IDENTITIES.list(transport, credential, tailnet)
}

/// Replaces all that a federated identity says, with a request that is sent at most once.
pub fn update(
    transport: &mut impl Transport,
    credential: &Credential,
    (tailnet, id): (&str, &str),
    properties: &IdentityProperties,
) -> Result<IdentityDetails, Error> {
    properties.check()?;
    let body = NewIdentityBody::from(properties);
    let tags = &properties.tags;
    FEDERATED_IDENTITIES.replace(transport, credential, (tailnet, id), &body, tags)
}

/// Deletes a federated identity, and with it the tokens that it gave out.
pub fn delete(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<(), Error> {
    FEDERATED_IDENTITIES.delete(transport, credential, tailnet, id)
}

/// Exchanges the token, and tells what the identity grants. This creates nothing but an
/// access token.
pub fn check(
    transport: &mut impl Transport,
    identity: &FederatedIdentity,
) -> Result<IdentityGrant, Error> {
    identity.check()?;
    let token = exchange(transport, identity)?;
    Ok(IdentityGrant {
        scopes: token.scopes,
        tags: token.tags,
    })
}
