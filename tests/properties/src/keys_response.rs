use tailmint_api::Rule;

use super::answer::{sealed, seen};

/// An answer to the request for a key: what the component takes as key is a
/// placeholder of this run, with the shape of an auth key behind it.
pub fn keys_response(input: &[u8]) {
    let (response, seals) = sealed(Rule::CreateAuthKey, input);
    let Ok(minted) = tailmint_minter::fuzz::keys_response(seen(&response)) else {
        return;
    };
    let (id, key) = seals.open_result(&minted.key).expect("a key in the clear");
    assert_eq!(id.as_str(), minted.details.id);
    let key = key.expose_secret();
    assert!(key.starts_with("tskey-auth-") || key.starts_with("hskey-auth-"));
    assert!(key.bytes().all(|byte| byte.is_ascii_graphic()) && !key.contains('?'));
}
