//! GitHub Actions: a job that may ask for tokens has two variables, the address of the
//! token service and a bearer token for it (GitHub's reference of `OpenID` Connect).

use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header};
use tailmint_core::Environment;
use zeroize::Zeroizing;

use super::{
    AddressProblem, IdToken, IdentityError, Platform, TokenSource, TokenSourceKind,
    call::{Call, Peer, encoded, secret_header},
    received::Received,
};

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

const HTTPS_PORT: u16 = 443;

/// The member of the query that says whom the token is for.
const AUDIENCE: &str = "audience";

/// The request. The address comes from the environment, and goes with a bearer token: its
/// host is for the policy to judge.
pub(super) fn call(
    environment: &Environment,
    audience: &str,
    port: u16,
) -> Result<Call, IdentityError> {
    let missing = |name| IdentityError::NoGithub { name };
    let url = environment.get(URL).ok_or_else(|| missing(URL))?;
    let token = secret_header(environment, TOKEN, "Bearer ")?;
    let (token, authorization) = token.ok_or_else(|| missing(TOKEN))?;
    let problem = |problem| IdentityError::Address { name: URL, problem };
    let url = url.to_str().and_then(|url| url.trim().parse::<Uri>().ok());
    let url = url.ok_or(problem(AddressProblem::Shape))?;
    if url.scheme_str() != Some("https") {
        return Err(problem(AddressProblem::NotHttps));
    }
    let authority = url.authority().ok_or(problem(AddressProblem::Shape))?;
    if authority.as_str().contains('@') {
        return Err(problem(AddressProblem::UserInfo));
    }
    let has_port = authority.as_str() != authority.host();
    if has_port && authority.port_u16() != Some(HTTPS_PORT) {
        return Err(problem(AddressProblem::Port));
    }
    let host = authority.host().to_ascii_lowercase();
    Ok(Call {
        authority: host.clone(),
        peer: Peer::Tls { host, port },
        method: Method::GET,
        path: url.path().to_owned(),
        query: Some(query(url.query().unwrap_or_default(), audience)),
        headers: vec![
            (header::AUTHORIZATION, authorization),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ],
        body: Bytes::new(),
        secrets: vec![("github-request-token", token)],
    })
}

/// The query with this audience in the place of any other, and all else as it was.
fn query(given: &str, audience: &str) -> Zeroizing<String> {
    let is_audience = |member: &str| {
        let mut names = form_urlencoded::parse(member.as_bytes());
        names.next().is_some_and(|(name, _)| name == AUDIENCE)
    };
    let others = given
        .split('&')
        .filter(|it| !it.is_empty() && !is_audience(it));
    let mut query = Zeroizing::new(String::with_capacity(given.len() + 512));
    for member in others {
        query.push_str(member);
        query.push('&');
    }
    query.push_str(AUDIENCE);
    query.push('=');
    query.push_str(&encoded(audience));
    query
}

pub(super) fn token(body: &[u8]) -> Result<IdToken, IdentityError> {
    let malformed = |what| IdentityError::Malformed {
        platform: TokenSourceKind::Github,
        what,
    };
    let value = Received::member(body, "value");
    let value = value.ok_or_else(|| malformed("it is no JSON object with a text value"))?;
    if value.is_empty() {
        return Err(malformed("its value is empty"));
    }
    let source = TokenSource::Platform(Platform::Github);
    IdToken::read(value.as_bytes()).map_err(|error| IdentityError::not_token(&source, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_replaced_and_all_else_stays() {
        for (given, query_sent) in [
            ("", "audience=a%2Fb"),
            ("api-version=2.0", "api-version=2.0&audience=a%2Fb"),
            ("audience=x&v=1&audience=y", "v=1&audience=a%2Fb"),
            ("%61udience=x&v=%20", "v=%20&audience=a%2Fb"),
            ("audience&&xaudience=1", "xaudience=1&audience=a%2Fb"),
        ] {
            assert_eq!(*query(given, "a/b"), query_sent, "{given}");
        }
    }

    #[test]
    fn an_address_that_would_lead_the_bearer_elsewhere_is_not_followed() {
        for (url, expected) in [
            ("https://x.example.com/t?v=1", Ok(())),
            ("https://x.example.com:443/t", Ok(())),
            ("http://x.example.com/t", Err(AddressProblem::NotHttps)),
            ("x.example.com/t", Err(AddressProblem::Shape)),
            ("/t", Err(AddressProblem::NotHttps)),
            ("https://", Err(AddressProblem::Shape)),
            ("https://x.example.com:8443/t", Err(AddressProblem::Port)),
            ("https://x.example.com:/t", Err(AddressProblem::Port)),
            (
                "https://x.example.com@evil.example/t",
                Err(AddressProblem::UserInfo),
            ),
        ] {
            let environment = Environment::from([(URL, url), (TOKEN, "bearer")]);
            let called = call(&environment, "a", HTTPS_PORT).map(drop);
            let expected =
                expected.map_err(|problem| IdentityError::Address { name: URL, problem });
            assert_eq!(called, expected, "{url}");
        }
    }

    #[test]
    fn a_bearer_that_no_header_can_have_is_not_sent_nor_shown() {
        let url = (URL, "https://x.example.com/t");
        let environment = Environment::from([url, (TOKEN, "be\narer")]);
        let error = call(&environment, "a", HTTPS_PORT).err().unwrap();
        insta::assert_snapshot!(error, @"$ACTIONS_ID_TOKEN_REQUEST_TOKEN: it has characters that no header can have");
        let environment = Environment::from([url]);
        let error = call(&environment, "a", HTTPS_PORT).err().unwrap();
        assert_eq!(error, IdentityError::NoGithub { name: TOKEN });
    }
}
