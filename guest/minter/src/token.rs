use tailmint_api::{Granted, OutsideText, Route, from_json};

use crate::{
    Credential, Error, OauthClient, Problem, Request, Transport,
    rejection::{Needs, OWN, malformed, missing_scope_hint, rejection},
    step::Step,
    transport::Body,
};

/// The bearer token, and what is known about it.
pub(crate) struct Token {
    pub(crate) bearer: String,
    /// The tags that the token carries, as far as known.
    pub(crate) tags: Vec<String>,
}

/// The token to ask with. An API key is a token already. For an OAuth client, its
/// credentials are exchanged for a token of this scope.
pub(crate) fn token(
    transport: &mut impl Transport,
    credential: &Credential,
    scope: &str,
) -> Result<Token, Error> {
    credential.check()?;
    match credential {
        Credential::ApiKey(key) => Ok(Token {
            bearer: key.clone(),
            tags: Vec::new(),
        }),
        Credential::OauthClient(client) => exchange(transport, client, scope),
    }
}

/// Exchanges the client's credentials for a token of one scope. The token has to have
/// the scope that was asked for.
pub(crate) fn exchange(
    transport: &mut impl Transport,
    client: &OauthClient,
    scope: &str,
) -> Result<Token, Error> {
    // In the body, never as HTTP Basic: its base64 would hide the placeholder
    // of a host that seals the secret.
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client.id)
        .append_pair("client_secret", &client.secret)
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", scope)
        .finish();
    let response = transport
        .send(&Request {
            route: Route::Token,
            path: Route::Token.path("", ""),
            bearer: None,
            body: Some(Body {
                content_type: "application/x-www-form-urlencoded",
                content: form.into_bytes(),
            }),
        })
        .map_err(|error| error.without_effect(Step::Token))?;
    if response.status != 200 {
        return Err(rejection(Step::Token, &response, Needs::scope(scope, OWN)));
    }
    let granted: Granted =
        from_json(&response.body).map_err(|error| malformed(Step::Token, 200, &error))?;
    if !is_token(&granted.access_token) {
        return Err(malformed(Step::Token, 200, "it has no valid access token"));
    }
    if !granted.grants(scope) {
        return Err(dropped(scope, granted.scope.as_deref().unwrap_or_default()));
    }
    Ok(Token {
        tags: granted.tags(),
        bearer: granted.access_token,
    })
}

/// Tokens that were seen are under 100 bytes.
const MAX_TOKEN_BYTES: usize = 4096;

fn is_token(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= MAX_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The server granted other scopes than the one that was asked for.
fn dropped(asked: &str, granted: &str) -> Error {
    Error::MissingScope(Problem {
        message: format!(
            "the server dropped the scope {asked} and granted: {}",
            OutsideText::new(granted)
        ),
        hint: missing_scope_hint(asked),
        status: Some(200),
    })
}
