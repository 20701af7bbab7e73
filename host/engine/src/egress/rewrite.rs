use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tailmint_api::{API_HOST, Rule, USER_AGENT};
use tailmint_core::Denial;
use tailmint_policy::{Body, Intent, Request as Judged};
use zeroize::Zeroizing;

use crate::seal::Seals;

/// Writes the request that leaves. Not a byte of it is the component's own
/// writing: every part was judged, and is written again here, with the secret
/// in its place.
pub(super) fn rewrite(
    rule: Rule,
    judged: &Judged,
    intent: &Intent,
    seals: &Seals,
) -> Result<Request<Full<Bytes>>, Denial> {
    no_stray_placeholder(rule, judged, seals)?;
    let mut request = Request::builder()
        .method(judged.method.clone())
        .uri(match rule.route().query() {
            Some(query) => format!("{}?{query}", judged.path),
            None => judged.path.clone(),
        })
        .header(header::HOST, API_HOST)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, USER_AGENT);
    if let Some(authorization) = judged.headers.get(header::AUTHORIZATION.as_str()) {
        let member = "header \"authorization\"";
        let placeholder = authorization
            .strip_prefix(BEARER)
            .ok_or_else(|| Denial::new(member, "it is not a bearer"))?;
        let secret = seals.open_bearer(placeholder)?;
        // As long as it will be, so that no copy is left behind by growing.
        let mut value = Zeroizing::new(String::with_capacity(BEARER.len() + secret.len()));
        value.push_str(BEARER);
        value.push_str(secret.expose_secret());
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| Denial::new(member, "the secret has characters that no header takes"))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let (content_type, body) = match &judged.body {
        Body::Form(members) if rule.is_for_token() => (
            Some("application/x-www-form-urlencoded"),
            token_form(members, seals)?,
        ),
        // What the caller asked for, in its own words.
        Body::Json(_) if rule.has_json() => {
            let body = intent.body_text();
            let body = body.ok_or_else(|| Denial::new("body", "nobody asked for one"))?;
            (Some("application/json"), body.into())
        }
        Body::Empty | Body::Form(_) | Body::Json(_) => (None, Bytes::new()),
    };
    if let Some(content_type) = content_type {
        request = request
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, body.len());
    }
    request
        .body(Full::new(body))
        .map_err(|_| Denial::new("request", "it could not be written"))
}

/// Denies a placeholder outside its slot. It would tell a stranger nothing, but a
/// component has no reason to send one.
fn no_stray_placeholder(rule: Rule, judged: &Judged, seals: &Seals) -> Result<(), Denial> {
    let stray = |member: &str| Err(Denial::new(member, "a placeholder does not belong here"));
    if seals.occurs_in(&judged.path) {
        return stray("path");
    }
    for (name, value) in &judged.headers {
        if name != header::AUTHORIZATION.as_str() && seals.occurs_in(value) {
            return stray("header");
        }
    }
    match &judged.body {
        Body::Form(members) => {
            for (name, value) in members {
                let place = rule.is_for_token() && name == "client_secret";
                if !place && seals.occurs_in(value) {
                    return stray("body");
                }
            }
            Ok(())
        }
        Body::Json(value) if seals.occurs_in(&value.to_string()) => stray("body"),
        Body::Json(_) | Body::Empty => Ok(()),
    }
}

/// How the value of the header begins that a secret is sent in.
const BEARER: &str = "Bearer ";

/// The members of the token request, in their order.
const TOKEN_MEMBERS: [&str; 4] = ["client_id", "client_secret", "grant_type", "scope"];

/// The token request (RFC 6749, 4.4.2).
fn token_form(members: &[(String, String)], seals: &Seals) -> Result<Bytes, Denial> {
    let mut values = [""; TOKEN_MEMBERS.len()];
    for (name, value) in TOKEN_MEMBERS.iter().zip(&mut values) {
        let found = members.iter().find(|(other, _)| other == name);
        let (_, found) =
            found.ok_or_else(|| Denial::new(format!("body.{name}"), "it is missing"))?;
        *value = match *name {
            "client_secret" => seals.open_client_secret(found)?.expose_secret(),
            _ => found,
        };
    }
    // As long as it can become, so that no copy of the secret is left behind by growing:
    // an escape takes three bytes for one, and each member has `=` and `&` around it.
    let bytes = |(name, value): (&&str, &&str)| name.len() + 3 * value.len() + 2;
    let capacity = TOKEN_MEMBERS.iter().zip(&values).map(bytes).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(capacity));
    form.extend_pairs(TOKEN_MEMBERS.iter().zip(&values));
    let form = Zeroizing::new(form.finish().into_bytes());
    debug_assert!(form.capacity() == capacity, "the form has grown");
    Ok(Bytes::from_owner(form))
}

#[cfg(test)]
mod tests {
    use tailmint_core::Secret;

    use super::*;

    #[test]
    fn the_form_never_grows_and_leaves_no_copy_of_the_secret_behind() {
        for secret in ["s", &"s".repeat(4096), &"%&=ü+ ".repeat(600)] {
            let mut seals = Seals::default();
            let sealed = seals
                .client_secret(Secret::new((*secret).to_owned()))
                .unwrap();
            let members: Vec<_> = TOKEN_MEMBERS
                .iter()
                .map(|name| match *name {
                    "client_secret" => ((*name).to_owned(), sealed.as_str().to_owned()),
                    _ => ((*name).to_owned(), "value".to_owned()),
                })
                .collect();
            // It asserts by itself that its buffer is the one that it began with.
            let form = token_form(&members, &seals).unwrap();
            let read: Vec<_> = form_urlencoded::parse(&form).collect();
            assert_eq!(read[1].1, *secret);
        }
    }
}
