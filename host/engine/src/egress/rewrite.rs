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

    fn intent() -> Intent {
        let properties = tailmint_api::KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()]);
        Intent::new(
            tailmint_api::Tailnet::of_credential(),
            tailmint_policy::Task::Mint { properties },
        )
    }

    fn judged(path: &str, headers: &[(&str, &str)], body: &str) -> Judged {
        let mut request = Request::post(format!("https://{API_HOST}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Judged::parse(&parts, body.as_bytes()).unwrap()
    }

    fn said(rewritten: Result<Request<Full<Bytes>>, Denial>) -> String {
        rewritten.unwrap_err().to_string()
    }

    const KEYS: &str = "/api/v2/tailnet/-/keys";
    const JSON: (&str, &str) = ("content-type", "application/json");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    #[tokio::test]
    async fn what_leaves_is_written_here_and_not_by_the_component() {
        use http_body_util::BodyExt;
        let mut seals = Seals::default();
        let sealed = seals.bearer(Secret::new("token".to_owned())).unwrap();
        let bearer = format!("Bearer {}", sealed.as_str());
        let headers = [
            ("authorization", &*bearer),
            ("accept", "*/*"),
            ("x-more", "1"),
            JSON,
        ];
        let judged_key = judged(KEYS, &headers, "{\"anything\":1}");
        let request = rewrite(Rule::CreateAuthKey, &judged_key, &intent(), &seals).unwrap();
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(body, intent().body_text().unwrap());
        assert_eq!(
            (parts.method.as_str(), parts.uri.to_string().as_str()),
            ("POST", KEYS)
        );
        let header = |name: &str| parts.headers.get(name).map(|it| it.to_str().unwrap());
        assert_eq!(header("host"), Some(API_HOST));
        assert_eq!(header("accept"), Some("application/json"));
        assert_eq!(header("user-agent"), Some(USER_AGENT));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("content-length"), Some(&*body.len().to_string()));
        assert_eq!(header("authorization"), Some("Bearer token"));
        assert!(parts.headers["authorization"].is_sensitive());
        assert_eq!(header("x-more"), None);
        // Without a body there is no type and no length, and the query is the route's.
        let list = judged(KEYS, &[("authorization", &*bearer)], "");
        let request = rewrite(Rule::ListKeys, &list, &intent(), &seals).unwrap();
        assert_eq!(request.uri().to_string(), format!("{KEYS}?all=true"));
        assert!(!request.headers().contains_key("content-length"));
        assert!(!request.headers().contains_key("content-type"));
        // A body that the rule does not have is not sent.
        let judged_list = judged(KEYS, &[("authorization", &*bearer), JSON], "{}");
        let request = rewrite(Rule::ListKeys, &judged_list, &intent(), &seals).unwrap();
        assert!(!request.headers().contains_key("content-type"));
        let judged_form = judged(KEYS, &[("authorization", &*bearer), FORM], "a=b");
        let request = rewrite(Rule::CreateAuthKey, &judged_form, &intent(), &seals).unwrap();
        assert!(!request.headers().contains_key("content-type"));
    }

    #[test]
    fn a_secret_is_sent_in_its_slot_or_not_at_all() {
        let mut seals = Seals::default();
        let bearer = seals.bearer(Secret::new("token".to_owned())).unwrap();
        let odd = seals.bearer(Secret::new("to\nken".to_owned())).unwrap();
        let client = seals
            .client_secret(Secret::new("secret".to_owned()))
            .unwrap();
        let key = |authorization: &str| {
            let judged = judged(KEYS, &[("authorization", authorization), JSON], "{}");
            said(rewrite(Rule::CreateAuthKey, &judged, &intent(), &seals))
        };
        let member = "header \"authorization\":";
        assert_eq!(key("Basic a"), format!("{member} it is not a bearer"));
        assert_eq!(
            key("Bearer token"),
            format!("{member} it is not a placeholder of this run")
        );
        assert_eq!(
            key(&format!("Bearer {}", client.as_str())),
            format!("{member} this secret does not belong here")
        );
        assert_eq!(
            key(&format!("Bearer {}", odd.as_str())),
            format!("{member} the secret has characters that no header takes")
        );
        let form = |body: &str| {
            let judged = judged("/api/v2/oauth/token", &[FORM], body);
            rewrite(Rule::Token, &judged, &intent(), &seals)
        };
        let members = |id: &str, secret: &str| {
            format!("client_id={id}&client_secret={secret}&grant_type=a&scope=b")
        };
        assert!(form(&members("k", client.as_str())).is_ok());
        assert_eq!(
            said(form(&members("k", bearer.as_str()))),
            "body.client_secret: this secret does not belong here"
        );
        assert_eq!(
            said(form("client_id=k")),
            "body.client_secret: it is missing"
        );
        let written = token_form(Route::GetKey, &[], &seals);
        assert_eq!(
            written.unwrap_err().to_string(),
            "body: this request has no form"
        );
    }

    #[test]
    fn a_placeholder_outside_its_slot_is_denied() {
        let mut seals = Seals::default();
        let sealed = seals.bearer(Secret::new("token".to_owned())).unwrap();
        let client = seals
            .client_secret(Secret::new("secret".to_owned()))
            .unwrap();
        let (sealed, client) = (sealed.as_str(), client.as_str());
        let bearer = format!("Bearer {sealed}");
        let authorized = ("authorization", &*bearer);
        let token = "/api/v2/oauth/token";
        let stray = |member: &str| format!("{member}: a placeholder does not belong here");
        for (rule, judged, member) in [
            (
                Rule::GetKey,
                judged(&format!("{KEYS}/{sealed}"), &[authorized], ""),
                "path",
            ),
            (
                Rule::CreateAuthKey,
                judged(KEYS, &[authorized, ("accept", sealed), JSON], "{}"),
                "header",
            ),
            (
                Rule::CreateAuthKey,
                judged(
                    KEYS,
                    &[authorized, JSON],
                    &format!("{{\"a\":\"{sealed}\"}}"),
                ),
                "body",
            ),
            (
                Rule::Token,
                judged(
                    token,
                    &[FORM],
                    &format!("client_id={client}&client_secret={client}"),
                ),
                "body",
            ),
            (
                // This request has no form, and so no slot.
                Rule::CreateAuthKey,
                judged(
                    KEYS,
                    &[authorized, FORM],
                    &format!("client_secret={client}"),
                ),
                "body",
            ),
        ] {
            let rewritten = rewrite(rule, &judged, &intent(), &seals);
            assert_eq!(said(rewritten), stray(member), "{rule}");
        }
    }
}
