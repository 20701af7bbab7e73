use http::{HeaderMap, header};
use tailmint::internals::response;
use tailmint_core::Secret;

use super::{
    answer::{CLIENT_SECRET, split},
    shown::{hides, shown},
};

const TOKEN: &str = "hvs.CAESIABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A response of a Vault, behind a first line with its status and where it leads to: what is
/// told of it has no part of the token or of the client's secret, which a server may repeat.
pub fn vault_response(input: &[u8]) {
    let (status, location, body) = split(input);
    let mut headers = HeaderMap::new();
    if let Ok(value) = location.parse() {
        headers.insert(header::LOCATION, value);
    }
    let secrets = [CLIENT_SECRET, TOKEN].map(|it| Secret::new(it.to_owned()));
    let response = response(status, headers, body.to_vec());
    for text in tailmint_operator::fuzz::vault_response(&response, secrets.iter().collect()) {
        shown(&text);
        let own = CLIENT_SECRET.rsplit('-').next().unwrap_or_default();
        hides(&text, own);
        hides(&text, TOKEN);
    }
}
