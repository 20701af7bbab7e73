//! Creates, lists and deletes OAuth clients, and asks which scopes one can grant
//! (`tailmint:api/oauth-clients`).

use tailmint_api::{Kind, NewClientBody, OAUTH_KEYS_SCOPE};

use crate::{
    ClientDetails, ClientProperties, Credential, Error, NewClient, OauthClient, ScopeCheck,
    Transport, checks, described, resource::Resource, token::grant,
};

const OAUTH_CLIENTS: Resource<ClientDetails> = Resource {
    kind: Kind::OauthClient,
    scope: OAUTH_KEYS_SCOPE,
    describe: described::client,
};

/// Creates an OAuth client, with a request that is sent at most once.
pub fn create(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    properties: &ClientProperties,
) -> Result<NewClient, Error> {
    properties.check()?;
    let body = NewClientBody::from(properties);
    let (secret, details) =
        OAUTH_CLIENTS.create(transport, credential, tailnet, &body, &properties.tags)?;
    Ok(NewClient { secret, details })
}

/// Describes all OAuth clients that the credential may see.
pub fn list(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
) -> Result<Vec<ClientDetails>, Error> {
    OAUTH_CLIENTS.list(transport, credential, tailnet)
}

/// Deletes an OAuth client, and with it the tokens that it was exchanged for.
pub fn delete(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    id: &str,
) -> Result<(), Error> {
    OAUTH_CLIENTS.delete(transport, credential, tailnet, id)
}

/// Asks for a token of each scope in turn. The API rejects a scope that the client
/// cannot grant. This creates nothing but tokens.
pub fn check(
    transport: &mut impl Transport,
    client: &OauthClient,
    scopes: &[String],
) -> Result<Vec<ScopeCheck>, Error> {
    client.check()?;
    checks::scopes(scopes)?;
    let mut checks = Vec::new();
    for scope in scopes {
        let (granted, tags) = match grant(transport, client, scope) {
            Ok(token) => (true, token.tags),
            Err(Error::MissingScope(_)) => (false, Vec::new()),
            Err(error) => return Err(error),
        };
        checks.push(ScopeCheck {
            scope: scope.clone(),
            granted,
            tags,
        });
    }
    Ok(checks)
}
