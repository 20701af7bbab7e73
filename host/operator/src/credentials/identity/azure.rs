//! Azure: the instance metadata service of a machine, which is at a fixed address, or the
//! endpoint that App Service, Functions and Container Apps set in the environment
//! (Azure's page "How to use managed identities").

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri};
use tailmint_core::Environment;
use zeroize::Zeroizing;

use super::{
    AddressProblem, IdToken, IdentityError, Platform, TokenSource, TokenSourceKind,
    call::{Call, Peer, encoded, secret_header},
    local_address::local_address,
    received::Received,
};

const ENDPOINT: &str = "IDENTITY_ENDPOINT";
const HEADER: &str = "IDENTITY_HEADER";

const PATH: &str = "/metadata/identity/oauth2/token";
const VERSION: &str = "2018-02-01";
const ENDPOINT_VERSION: &str = "2019-08-01";

const METADATA: HeaderName = HeaderName::from_static("metadata");
const IDENTITY: HeaderName = HeaderName::from_static("x-identity-header");

pub(super) fn call(
    environment: &Environment,
    resource: &str,
    client_id: Option<&str>,
    usual: SocketAddr,
) -> Result<Call, IdentityError> {
    let mut query = format!("resource={}", encoded(resource));
    if let Some(id) = client_id {
        query += &format!("&client_id={}", encoded(id));
    }
    let Some(endpoint) = environment.get(ENDPOINT) else {
        return Ok(Call {
            peer: Peer::Local(usual),
            method: Method::GET,
            authority: usual.ip().to_string(),
            path: PATH.to_owned(),
            query: Some(Zeroizing::new(format!("api-version={VERSION}&{query}"))),
            headers: vec![(METADATA, HeaderValue::from_static("true"))],
            body: Bytes::new(),
            secrets: Vec::new(),
        });
    };
    // Arc has the address alone, and wants a file read that only its group may read.
    let header = secret_header(environment, HEADER, "")?;
    let (secret, header) = header.ok_or(IdentityError::AzureArc)?;
    let endpoint = endpoint.to_str().ok_or(AddressProblem::Shape);
    let endpoint = endpoint.and_then(endpoint_of);
    let (address, path) = endpoint.map_err(|problem| IdentityError::Address {
        name: ENDPOINT,
        problem,
    })?;
    Ok(Call {
        peer: Peer::Local(address),
        method: Method::GET,
        authority: address.to_string(),
        path,
        query: Some(Zeroizing::new(format!(
            "api-version={ENDPOINT_VERSION}&{query}"
        ))),
        headers: vec![(IDENTITY, header)],
        body: Bytes::new(),
        secrets: vec![("azure-identity-header", secret)],
    })
}

/// The address and the path of an endpoint of this machine.
fn endpoint_of(url: &str) -> Result<(SocketAddr, String), AddressProblem> {
    let url: Uri = url.trim().parse().map_err(|_| AddressProblem::Shape)?;
    if url.scheme_str() != Some("http") {
        return Err(AddressProblem::NotHttp);
    }
    let authority = url.authority().ok_or(AddressProblem::Shape)?;
    if authority.as_str().contains('@') {
        return Err(AddressProblem::UserInfo);
    }
    let address = local_address(authority.host(), authority.port_u16())?;
    Ok((address, url.path().to_owned()))
}

pub(super) fn token(platform: &Platform, body: &[u8]) -> Result<IdToken, IdentityError> {
    let value = Received::member(body, "access_token");
    let value = value.ok_or(IdentityError::Malformed {
        platform: TokenSourceKind::Azure,
        what: "it is no JSON object with a text access_token",
    })?;
    let source = TokenSource::Platform(platform.clone());
    IdToken::read(value.as_bytes()).map_err(|error| IdentityError::not_token(&source, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_the_environment_is_on_this_machine_or_its_link() {
        for (url, found) in [
            ("http://127.0.0.1:41741/msi/token/", Ok("127.0.0.1:41741")),
            (
                "http://169.254.130.2:8081/msi/token",
                Ok("169.254.130.2:8081"),
            ),
            ("http://localhost:4141/", Ok("127.0.0.1:4141")),
            ("https://127.0.0.1/", Err(AddressProblem::NotHttp)),
            ("http://10.0.0.1/msi/token", Err(AddressProblem::NotLocal)),
            (
                "http://127.0.0.1@evil.example/",
                Err(AddressProblem::UserInfo),
            ),
            ("127.0.0.1:80", Err(AddressProblem::NotHttp)),
            ("", Err(AddressProblem::Shape)),
        ] {
            let address = endpoint_of(url).map(|(address, _)| address.to_string());
            assert_eq!(address, found.map(str::to_owned), "{url}");
        }
    }
}
