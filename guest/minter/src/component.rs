//! The component: the contract's functions on one side, `wasi:http` on the other.

mod outgoing;

use outgoing::Outgoing;

use crate::{
    AuthKey, ClientDetails, ClientProperties, Credential, Error, FederatedIdentity,
    IdentityDetails, IdentityGrant, IdentityProperties, KeyProperties, MintedKey, NewClient,
    OauthClient, ScopeCheck, auth_keys,
    bindings::exports::tailmint::api::{
        auth_keys::Guest as AuthKeys, federated_identities::Guest as FederatedIdentities,
        oauth_clients::Guest as OauthClients,
    },
    federated_identities, oauth_clients,
};

struct Component;

#[expect(unsafe_code, reason = "generated: the component's exported symbols")]
mod export {
    use super::Component;
    use crate::bindings;

    bindings::export!(Component with_types_in bindings);
}

impl AuthKeys for Component {
    fn mint(
        credential: Credential,
        tailnet: String,
        properties: KeyProperties,
    ) -> Result<MintedKey, Error> {
        auth_keys::mint(&mut Outgoing, &credential, &tailnet, &properties)
    }

    fn list(credential: Credential, tailnet: String) -> Result<Vec<AuthKey>, Error> {
        auth_keys::list(&mut Outgoing, &credential, &tailnet)
    }

    fn get(credential: Credential, tailnet: String, id: String) -> Result<AuthKey, Error> {
        auth_keys::get(&mut Outgoing, &credential, &tailnet, &id)
    }

    fn revoke(credential: Credential, tailnet: String, id: String) -> Result<(), Error> {
        auth_keys::revoke(&mut Outgoing, &credential, &tailnet, &id)
    }
}

impl OauthClients for Component {
    fn create(
        credential: Credential,
        tailnet: String,
        properties: ClientProperties,
    ) -> Result<NewClient, Error> {
        oauth_clients::create(&mut Outgoing, &credential, &tailnet, &properties)
    }

    fn list(credential: Credential, tailnet: String) -> Result<Vec<ClientDetails>, Error> {
        oauth_clients::list(&mut Outgoing, &credential, &tailnet)
    }

    fn remove(credential: Credential, tailnet: String, id: String) -> Result<(), Error> {
        oauth_clients::delete(&mut Outgoing, &credential, &tailnet, &id)
    }

    fn check(client: OauthClient, scopes: Vec<String>) -> Result<Vec<ScopeCheck>, Error> {
        oauth_clients::check(&mut Outgoing, &client, &scopes)
    }
}

impl FederatedIdentities for Component {
    fn create(
        credential: Credential,
        tailnet: String,
        properties: IdentityProperties,
    ) -> Result<IdentityDetails, Error> {
        federated_identities::create(&mut Outgoing, &credential, &tailnet, &properties)
    }

    fn list(credential: Credential, tailnet: String) -> Result<Vec<IdentityDetails>, Error> {
        federated_identities::list(&mut Outgoing, &credential, &tailnet)
    }

    fn update(
        credential: Credential,
        tailnet: String,
        id: String,
        properties: IdentityProperties,
    ) -> Result<IdentityDetails, Error> {
        let place = (&*tailnet, &*id);
        federated_identities::update(&mut Outgoing, &credential, place, &properties)
    }

    fn remove(credential: Credential, tailnet: String, id: String) -> Result<(), Error> {
        federated_identities::delete(&mut Outgoing, &credential, &tailnet, &id)
    }

    fn check(identity: FederatedIdentity) -> Result<IdentityGrant, Error> {
        federated_identities::check(&mut Outgoing, &identity)
    }
}
