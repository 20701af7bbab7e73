use serde::Deserialize;
use tailmint_api::{AUTH_KEYS_SCOPE, Route, one_line};

use crate::{
    Credential, Error, OauthClient, Problem, Request, Transport,
    refusal::{Step, Tags, malformed, refusal},
    transport::Body,
};

/// What to send as bearer, and what is known about it.
pub(crate) struct Token {
    pub(crate) bearer: String,
    /// The tags that the token carries. Live answers have them
    /// (tailscale/tailscale #15456), the documentation does not.
    pub(crate) tags: Vec<String>,
}

/// The answer of the token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    scope: Option<String>,
    tags: Option<String>,
}

/// The token to ask with: an API key is one already, an OAuth client is
/// exchanged for one of the scope [`AUTH_KEYS_SCOPE`].
pub(crate) fn token(
    transport: &mut impl Transport,
    credential: &Credential,
) -> Result<Token, Error> {
    credential.check()?;
    match credential {
        Credential::ApiKey(key) => Ok(Token {
            bearer: key.clone(),
            tags: Vec::new(),
        }),
        Credential::OauthClient(client) => exchange(transport, client),
    }
}

fn exchange(transport: &mut impl Transport, client: &OauthClient) -> Result<Token, Error> {
    // In the body, never as HTTP Basic: its base64 would hide the placeholder
    // of a host that seals the secret.
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client.id)
        .append_pair("client_secret", &client.secret)
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", AUTH_KEYS_SCOPE)
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
        .map_err(|error| error.before_any_key("an access token"))?;
    if response.status != 200 {
        return Err(refusal(Step::Token, &response, Tags::default()));
    }
    let granted: Granted = serde_json::from_slice(&response.body)
        .map_err(|error| malformed(Step::Token, 200, &one_line(&error.to_string())))?;
    if !is_token(&granted.access_token) {
        return Err(malformed(Step::Token, 200, "it has no usable access token"));
    }
    check_scope(granted.scope.as_deref())?;
    Ok(Token {
        bearer: granted.access_token,
        tags: granted
            .tags
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(one_line)
            .collect(),
    })
}

/// Tokens that were seen are under 100 bytes.
const MAX_TOKEN_BYTES: usize = 4096;

fn is_token(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= MAX_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The server drops scopes that it does not know without a word
/// (tailscale/tailscale #14286), so what it granted is compared with what was
/// asked for. None at all means the same (RFC 6749, 5.1).
fn check_scope(granted: Option<&str>) -> Result<(), Error> {
    let Some(granted) = granted else {
        return Ok(());
    };
    if granted
        .split_ascii_whitespace()
        .any(|scope| scope == AUTH_KEYS_SCOPE || scope == "all")
    {
        return Ok(());
    }
    Err(Error::MissingScope(Problem {
        message: format!(
            "the server dropped the scope {AUTH_KEYS_SCOPE} and granted: {}",
            one_line(granted)
        ),
        hint: format!(
            "give the OAuth client the scope {AUTH_KEYS_SCOPE} (write) in the admin console, or make one that has it"
        ),
        status: Some(200),
    }))
}
