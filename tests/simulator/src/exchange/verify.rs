//! What has to be so of an identity token. The causes are in the words of golang-jwt, which
//! the one cause of the service that is known is in (tailscale/tailscale #18733).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{claim_name, jwt::Jwt, key_set::KeySet, pattern};
use crate::FederatedIdentity;

/// What tokens may be signed by.
const ALGORITHMS: [&str; 4] = ["ES256", "ES384", "EdDSA", "RS256"];

/// The algorithm is one that is taken, and nothing is asked of the reader that it does not
/// know (RFC 7515, 4.1.11).
pub(super) fn algorithm(jwt: &Jwt) -> Result<(), String> {
    let algorithm = jwt.header.get("alg").and_then(Value::as_str);
    match algorithm {
        None => Err("token is unverifiable: signing method (alg) is unspecified".to_owned()),
        Some(known) if ALGORITHMS.contains(&known) => {
            if jwt.header.contains_key("crit") {
                return Err("token is unverifiable: crit is not supported".to_owned());
            }
            Ok(())
        }
        Some(other) => Err(format!(
            "token signature is invalid: signing method {other} is invalid"
        )),
    }
}

/// The name of the key that signed it.
pub(super) fn kid(jwt: &Jwt) -> Result<&str, String> {
    let kid = jwt.header.get("kid").and_then(Value::as_str);
    kid.ok_or_else(|| "token is unverifiable: the token has no kid".to_owned())
}

/// The key signed it.
pub(super) fn signature(jwt: &Jwt, keys: &KeySet, kid: &str) -> Result<(), String> {
    let algorithm = jwt.header.get("alg").and_then(Value::as_str);
    keys.verify(
        kid,
        algorithm.unwrap_or_default(),
        &jwt.signed,
        &jwt.signature,
    )
    .map_err(|why| format!("token signature is invalid: {why}"))
}

/// The claims are those of the identity, and it is the time for them.
pub(super) fn claims(
    jwt: &Jwt,
    identity: &FederatedIdentity,
    now: Timestamp,
    leeway: Duration,
) -> Result<(), String> {
    let invalid = |what: &str| Err(format!("token has invalid claims: {what}"));
    let text = |name: &str| jwt.claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&identity.issuer) {
        return invalid("token has invalid issuer");
    }
    let now = now.as_duration().as_secs_f64();
    let leeway = leeway.as_secs_f64();
    let Some(expiry) = time(jwt, "exp")? else {
        return invalid("token is missing required claim: exp claim is required");
    };
    if now >= expiry + leeway {
        return invalid("token is expired");
    }
    if time(jwt, "nbf")?.is_some_and(|begin| now < begin - leeway) {
        return invalid("token is not valid yet");
    }
    let is_audience = match jwt.claims.get("aud") {
        Some(Value::String(one)) => *one == identity.audience,
        Some(Value::Array(several)) => several.iter().any(|it| *it == identity.audience),
        _ => false,
    };
    if !is_audience {
        return invalid("token has invalid audience");
    }
    if !text("sub").is_some_and(|subject| pattern::matches(&identity.subject, subject)) {
        return invalid("token has invalid subject");
    }
    for (name, rule) in &identity.custom_claim_rules {
        let claim = claim_name::find(&jwt.claims, name);
        if !claim.is_some_and(|claim| pattern::matches(rule, claim)) {
            return invalid(&format!("claim {name} does not match its rule"));
        }
    }
    Ok(())
}

/// A claim that is a time: seconds since 1970 (RFC 7519, 2).
fn time(jwt: &Jwt, name: &str) -> Result<Option<f64>, String> {
    match jwt.claims.get(name) {
        None => Ok(None),
        Some(claim) => match claim.as_f64() {
            Some(time) => Ok(Some(time)),
            None => Err(format!(
                "token is malformed: could not JSON decode claim: {name} is invalid"
            )),
        },
    }
}
