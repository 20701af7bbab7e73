use tailmint_api::Rule;

use super::answer::{sealed, seen};

/// An answer to the token request: what the component takes as token is a
/// placeholder of this run that opens as bearer, and nothing else does.
pub fn token_response(input: &[u8]) {
    let (response, seals) = sealed(Rule::Token, input);
    if let Ok(token) = tailmint_minter::fuzz::token_response(seen(&response)) {
        assert!(seals.opens_bearer(&token), "a token in the clear");
        assert!(seals.open_result(&token).is_none());
    }
}
