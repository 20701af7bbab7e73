use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tailmint_api::{API_HOST, USER_AGENT};
use zeroize::Zeroizing;

use crate::{
    policy::{Body, Intent, Outbound, Refusal, Rule},
    seal::Seals,
};

/// Writes the request that leaves. Not a byte of it is the component's own
/// writing: every part was judged, and is written again here, with the secret
/// in its place.
pub(super) fn wire(
    rule: Rule,
    outbound: &Outbound,
    intent: &Intent,
    seals: &Seals,
) -> Result<Request<Full<Bytes>>, Refusal> {
    no_stray_placeholder(rule, outbound, seals)?;
    let mut request = Request::builder()
        .method(outbound.method.clone())
        .uri(match rule.route().query() {
            Some(query) => format!("{}?{query}", outbound.path),
            None => outbound.path.clone(),
        })
        .header(header::HOST, API_HOST)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, USER_AGENT);
    if let Some(authorization) = outbound.headers.get(header::AUTHORIZATION.as_str()) {
        let member = "header \"authorization\"";
        let placeholder = authorization
            .strip_prefix("Bearer ")
            .ok_or_else(|| Refusal::new(member, "it is not a bearer"))?;
        let secret = seals.open_bearer(placeholder)?;
        let value = Zeroizing::new(format!("Bearer {}", secret.expose_secret()));
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| Refusal::new(member, "the secret has characters that no header takes"))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let (content_type, body) = match (&outbound.body, intent.body_text()) {
        (Body::Form(members), _) if rule.is_for_token() => (
            Some("application/x-www-form-urlencoded"),
            token_form(members, seals)?,
        ),
        // What the caller asked for, in its own words.
        (_, Some(body)) if !rule.is_for_token() => (Some("application/json"), body.into()),
        _ => (None, Bytes::new()),
    };
    if let Some(content_type) = content_type {
        request = request
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, body.len());
    }
    request
        .body(Full::new(body))
        .map_err(|_| Refusal::new("request", "it could not be written"))
}

/// A placeholder anywhere but in its place would tell a stranger nothing, and
/// is refused all the same: a component has no reason to send one.
fn no_stray_placeholder(rule: Rule, outbound: &Outbound, seals: &Seals) -> Result<(), Refusal> {
    let stray = |member: &str| Err(Refusal::new(member, "a placeholder does not belong here"));
    if seals.occurs_in(&outbound.path) {
        return stray("path");
    }
    for (name, value) in &outbound.headers {
        if name != header::AUTHORIZATION.as_str() && seals.occurs_in(value) {
            return stray("header");
        }
    }
    match &outbound.body {
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

/// The token request (RFC 6749, 4.4.2), its members in one order.
fn token_form(members: &[(String, String)], seals: &Seals) -> Result<Bytes, Refusal> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for name in ["client_id", "client_secret", "grant_type", "scope"] {
        let value = members
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| Refusal::new(format!("body.{name}"), "it is missing"))?;
        let value = match name {
            "client_secret" => seals.open_client_secret(value)?.expose_secret(),
            _ => value,
        };
        form.append_pair(name, value);
    }
    Ok(Bytes::from_owner(Zeroizing::new(
        form.finish().into_bytes(),
    )))
}
