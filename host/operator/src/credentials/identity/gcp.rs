//! Google Cloud: the metadata server of the machine, which is at a fixed address
//! (Google's page "Verify the identity of instances").

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use tailmint_core::Environment;
use zeroize::Zeroizing;

use super::{
    AddressProblem, IdToken, IdentityError, Platform, TokenSource, TokenSourceKind,
    call::{Call, Peer, encoded},
    local_address::local_address,
    received::Received,
};

/// Where Google's own libraries ask instead, where it is set.
const HOST: &str = "GCE_METADATA_HOST";

/// The name of the metadata server. It is not looked up.
const NAME: &str = "metadata.google.internal";

const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/identity";

/// The header by which the server knows who means it, and by which one knows the server.
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
const GOOGLE: &str = "Google";

pub(super) fn call(
    environment: &Environment,
    audience: &str,
    usual: SocketAddr,
) -> Result<Call, IdentityError> {
    let address = match environment.get(HOST) {
        None => usual,
        Some(host) => {
            let address = host.to_str().ok_or(AddressProblem::Shape);
            let address = address.and_then(|host| address_of(host, usual));
            address.map_err(|problem| IdentityError::Address {
                name: HOST,
                problem,
            })?
        }
    };
    Ok(Call {
        peer: Peer::Local(address),
        method: Method::GET,
        authority: NAME.to_owned(),
        path: PATH.to_owned(),
        // Only the full format has the e-mail address of the service account.
        query: Some(Zeroizing::new(format!(
            "audience={}&format=full",
            encoded(audience)
        ))),
        headers: vec![(FLAVOR, HeaderValue::from_static(GOOGLE))],
        body: Bytes::new(),
        secrets: Vec::new(),
    })
}

/// `HOST` or `HOST:PORT`.
fn address_of(host: &str, usual: SocketAddr) -> Result<SocketAddr, AddressProblem> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            (name, Some(port.parse().map_err(|_| AddressProblem::Shape)?))
        }
        _ => (host, None),
    };
    if name.eq_ignore_ascii_case(NAME) {
        return Ok(usual);
    }
    local_address(name, port)
}

/// Whether Google's server responded, and not something in its position.
pub(super) fn check(received: &Received) -> Result<(), IdentityError> {
    let flavor = received.headers.get(FLAVOR);
    if flavor.is_some_and(|flavor| flavor == GOOGLE) {
        return Ok(());
    }
    Err(IdentityError::Malformed {
        platform: TokenSourceKind::Gcp,
        what: "it has no Metadata-Flavor: Google, so that something else responded",
    })
}

pub(super) fn token(body: &[u8]) -> Result<IdToken, IdentityError> {
    let source = TokenSource::Platform(Platform::Gcp);
    IdToken::read(body).map_err(|error| IdentityError::not_token(&source, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_environment_is_this_machine_or_its_link() {
        let usual = "169.254.169.254:80".parse().unwrap();
        for (host, address) in [
            ("metadata.google.internal", Ok("169.254.169.254:80")),
            ("metadata.google.internal:80", Ok("169.254.169.254:80")),
            ("169.254.169.254", Ok("169.254.169.254:80")),
            ("127.0.0.1:988", Ok("127.0.0.1:988")),
            ("[::1]:988", Ok("[::1]:988")),
            ("::1", Ok("[::1]:80")),
            ("evil.example", Err(AddressProblem::NotLocal)),
            ("10.0.0.1:80", Err(AddressProblem::NotLocal)),
            ("127.0.0.1:x", Err(AddressProblem::Shape)),
        ] {
            let address = address.map(|it| it.parse().unwrap());
            assert_eq!(address_of(host, usual), address, "{host}");
        }
    }
}
