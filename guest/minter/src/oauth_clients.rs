//! Makes, lists and deletes OAuth clients, and asks what one may do (`tailmint:api/oauth-clients`).

use tailmint_api::{NewClientBody, OAUTH_KEYS_SCOPE, Route};

use crate::{
    ClientProperties, Credential, Error, OauthClient, Transport, call::Caller,
    client_properties::check_scopes, described::Described, key_kind::KeyKind, path, step::Step,
    token::exchange,
};

/// An OAuth client as the API describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDetails {
    /// Its id.
    pub id: String,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// Whether it is good for nothing any more.
    pub invalid: bool,
    /// What it is for, and what it may do.
    pub properties: ClientProperties,
}

/// A new OAuth client with its secret.
pub struct NewOauthClient {
    /// The secret.
    pub secret: String,
    /// All else about it.
    pub details: ClientDetails,
}

/// Whether an OAuth client can grant a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeCheck {
    /// The scope.
    pub scope: String,
    /// Whether the client can grant it.
    pub granted: bool,
    /// The tags of a token of this scope, as far as the server tells them.
    pub tags: Vec<String>,
}

const KIND: KeyKind = KeyKind::OauthClient;

fn caller<'a>(credential: &'a Credential, tailnet: &'a str) -> Caller<'a> {
    Caller {
        credential,
        tailnet,
        scope: OAUTH_KEYS_SCOPE,
    }
}

/// Makes a new OAuth client, with a request that is sent at most once.
pub fn create(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
    properties: &ClientProperties,
) -> Result<NewOauthClient, Error> {
    properties.check()?;
    let (secret, described) = caller(credential, tailnet).create(
        transport,
        KIND,
        &NewClientBody::from(properties),
        &properties.tags,
    )?;
    Ok(NewOauthClient {
        secret,
        details: described.into_client(),
    })
}

/// Describes all OAuth clients that the credential may see.
pub fn list(
    transport: &mut impl Transport,
    credential: &Credential,
    tailnet: &str,
) -> Result<Vec<ClientDetails>, Error> {
    let path = path::of_tailnet(Route::ListKeys, tailnet)?;
    let step = Step::Read(KIND);
    let response = caller(credential, tailnet).ask(transport, step, Route::ListKeys, path, None)?;
    let clients = Described::all(step, &response)?.into_iter();
    Ok(clients
        .filter(|client| client.is("client"))
        .map(Described::into_client)
        .collect())
}

/// Deletes an OAuth client, and with it the tokens that it was exchanged for.
pub fn delete(
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

/// Asks for a token of each scope in turn, which makes nothing: the API refuses a
/// scope that the client cannot grant.
pub fn check(
    transport: &mut impl Transport,
    client: &OauthClient,
    scopes: &[String],
) -> Result<Vec<ScopeCheck>, Error> {
    Credential::OauthClient(client.clone()).check()?;
    check_scopes(scopes)?;
    let mut checks = Vec::new();
    for scope in scopes {
        let (granted, tags) = match exchange(transport, client, scope) {
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
