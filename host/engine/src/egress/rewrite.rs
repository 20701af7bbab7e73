use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tailmint_api::{API_HOST, Route, Rule, USER_AGENT};
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
            token_form(rule.route(), members, seals)?,
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
                let form = rule.route().token_form();
                let is_slot = form.is_some_and(|form| form.secret == name);
                if !is_slot && seals.occurs_in(value) {
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

/// The form of a request for an access token, with the secret in it.
fn token_form(route: Route, members: &[(String, String)], seals: &Seals) -> Result<Bytes, Denial> {
    let form = route.token_form();
    let form = form.ok_or_else(|| Denial::new("body", "this request has no form"))?;
    let mut pairs = Vec::with_capacity(form.members.len());
    for &name in form.members {
        let found = members.iter().find(|(other, _)| other == name);
        let (_, found) =
            found.ok_or_else(|| Denial::new(format!("body.{name}"), "it is missing"))?;
        let value = if name == form.secret {
            seals.open_form(route, name, found)?.expose_secret()
        } else {
            found
        };
        pairs.push((name, value));
    }
    // As long as it can become, so that no copy of the secret is left behind by growing:
    // an escape takes three bytes for one, and each member has `=` and `&` around it.
    let bytes = |(name, value): &(&str, &str)| name.len() + 3 * value.len() + 2;
    let capacity = pairs.iter().map(bytes).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(capacity));
    form.extend_pairs(pairs);
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
        let long = "s".repeat(16 * 1024);
        for route in [Route::Token, Route::TokenExchange] {
            let form = route.token_form().unwrap();
            for secret in ["s", &long, &"%&=ü+ ".repeat(600)] {
                let mut seals = Seals::default();
                let secret = Secret::new((*secret).to_owned());
                let sealed = match route {
                    Route::Token => seals.client_secret(secret.clone()),
                    _ => seals.id_token(secret.clone()),
                };
                let sealed = sealed.unwrap();
                let members: Vec<_> = form
                    .members
                    .iter()
                    .map(|name| {
                        let is_secret = *name == form.secret;
                        let value = if is_secret { sealed.as_str() } else { "value" };
                        ((*name).to_owned(), value.to_owned())
                    })
                    .collect();
                // It asserts by itself that its buffer is the one that it began with.
                let written = token_form(route, &members, &seals).unwrap();
                let read: Vec<_> = form_urlencoded::parse(&written).collect();
                let names: Vec<_> = read.iter().map(|(name, _)| &**name).collect();
                assert_eq!(names, form.members);
                let at = names.iter().position(|name| *name == form.secret).unwrap();
                assert_eq!(read[at].1, secret.expose_secret());
            }
        }
    }
}
