//! Fly.io: the machine's own API, at a socket that is there in machines only (Fly's page
//! on `OpenID` Connect).

use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde_json::json;

use super::{
    IdToken, IdentityError, Platform, TokenSource,
    call::{Call, Peer},
};

const PATH: &str = "/v1/tokens/oidc";

pub(super) fn call(audience: &str, socket: &Path) -> Call {
    Call {
        peer: Peer::Socket(socket.to_owned()),
        method: Method::POST,
        authority: "localhost".to_owned(),
        path: PATH.to_owned(),
        query: None,
        headers: vec![(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        body: Bytes::from(json!({ "aud": audience }).to_string()),
        secrets: Vec::new(),
    }
}

pub(super) fn token(body: &[u8]) -> Result<IdToken, IdentityError> {
    let source = TokenSource::Platform(Platform::Fly);
    IdToken::read(body).map_err(|error| IdentityError::not_token(&source, error))
}
