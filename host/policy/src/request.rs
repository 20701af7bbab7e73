use std::{borrow::Cow, collections::BTreeMap};

use http::{Method, Uri, header, request::Parts};
use serde_json::Value;
use tailmint_api::{API_HOST, Route};
use tailmint_core::{Denial, quoted};

/// The longest path of the API that is in use, with the longest names, stays
/// under 400 bytes.
const MAX_PATH_BYTES: usize = 512;

/// The headers of the component's own requests stay under 1 KiB, most of it a
/// placeholder. More would be a channel.
const MAX_HEADER_BYTES: usize = 4 * 1024;

/// The largest body is a key with 32 tags of 67 bytes, under 3 KiB.
pub const MAX_BODY_BYTES: usize = 8 * 1024;

/// A request on its way out, in the one form that the rules are written for.
///
/// There is none for a request to another host, scheme or port, or for one that
/// could be read in two ways: an escaped or relative path, a header that comes
/// twice, a body that is not what its content type says.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Begins with `/`, has no empty, `.` or `..` segment and no escape.
    pub path: String,
    /// The query, as it is written.
    pub query: Option<String>,
    /// Without `Host` and `Content-Length`, which the host sets.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Body,
    /// The size of the body as it came.
    pub body_bytes: usize,
}

/// The body, parsed as its content type says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// There is none.
    Empty,
    /// A form: names and values, in their order.
    Form(Vec<(String, String)>),
    /// JSON without a member that comes twice.
    Json(Value),
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(parts: &Parts, body: &[u8]) -> Result<Self, Denial> {
        destination(&parts.uri)?;
        let path = path(&parts.uri)?;
        let headers = headers(parts, body)?;
        Ok(Self {
            method: parts.method.clone(),
            path,
            query: parts.uri.query().map(str::to_owned),
            body: self::body(headers.get(header::CONTENT_TYPE.as_str()), body)?,
            headers,
            body_bytes: body.len(),
        })
    }

    /// Whether the request has the route's method, and its path for some tailnet and
    /// some key.
    pub(crate) fn is_of(&self, route: Route) -> bool {
        self.method == route.method().as_str() && route.has_path(&self.path)
    }

    /// The names of the members of the query.
    pub(crate) fn query_names(&self) -> Vec<Cow<'_, str>> {
        let query = self.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .map(|(name, _)| name)
            .collect()
    }

    /// The content type of the body, where there is a body.
    pub(crate) fn content_type(&self) -> Option<&str> {
        let content_type = self.headers.get(header::CONTENT_TYPE.as_str());
        (self.body_bytes > 0).then(|| content_type.map_or("", String::as_str))
    }

    /// The body, where it is JSON.
    pub(crate) fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::Empty | Body::Form(_) => None,
        }
    }
}

fn destination(uri: &Uri) -> Result<(), Denial> {
    match uri.scheme_str() {
        Some("https") => {}
        other => {
            let scheme = quoted(other.unwrap_or_default().as_bytes());
            return Err(Denial::new("scheme", format!("{scheme} is not https")));
        }
    }
    let authority = uri
        .authority()
        .ok_or_else(|| Denial::new("host", "there is none"))?;
    if authority.as_str().contains('@') {
        return Err(Denial::new("host", "it has a user name before it"));
    }
    // Compared as text: what is not the name letter by letter is not the name,
    // be it a trailing dot, an escape or an address.
    let (host, port) = match authority.as_str().split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority.as_str(), None),
    };
    if !host.eq_ignore_ascii_case(API_HOST) {
        let host = quoted(host.as_bytes());
        return Err(Denial::new("host", format!("{host} is not {API_HOST}")));
    }
    match port {
        None | Some("443") => Ok(()),
        Some(port) => {
            let port = quoted(port.as_bytes());
            Err(Denial::new("port", format!("{port} is not 443")))
        }
    }
}

fn path(uri: &Uri) -> Result<String, Denial> {
    let path = uri.path();
    let deny = |reason: &str| {
        let path = quoted(path.as_bytes());
        Err(Denial::new("path", format!("{path} {reason}")))
    };
    if path.len() > MAX_PATH_BYTES {
        return deny(&format!("is longer than {MAX_PATH_BYTES} bytes"));
    }
    let Some(segments) = path.strip_prefix('/') else {
        return deny("does not begin with /");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@/".contains(&byte);
    if !path.bytes().all(plain) {
        return deny("has characters that can be read in two ways");
    }
    if segments
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return deny("has an empty or relative segment");
    }
    Ok(path.to_owned())
}

fn headers(parts: &Parts, body: &[u8]) -> Result<BTreeMap<String, String>, Denial> {
    let mut headers = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in &parts.headers {
        let member = || format!("header {}", quoted(name.as_str().as_bytes()));
        bytes += name.as_str().len() + value.len();
        let value = value
            .to_str()
            .map_err(|_| Denial::new(member(), "its value is not printable ASCII"))?;
        if *name == header::HOST {
            // The host writes its own, from the name that was judged.
            continue;
        }
        if *name == header::CONTENT_LENGTH {
            if value.parse() != Ok(body.len()) {
                return Err(Denial::new(member(), "it is not the length of the body"));
            }
            if !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Denial::new(member(), "it is not a plain number"));
            }
            continue;
        }
        if headers
            .insert(name.as_str().to_owned(), value.to_owned())
            .is_some()
        {
            return Err(Denial::new(member(), "it comes twice"));
        }
    }
    if bytes > MAX_HEADER_BYTES {
        return Err(Denial::new(
            "headers",
            format!("they are longer than {MAX_HEADER_BYTES} bytes"),
        ));
    }
    Ok(headers)
}

fn body(content_type: Option<&String>, body: &[u8]) -> Result<Body, Denial> {
    match content_type.map(String::as_str) {
        None if body.is_empty() => Ok(Body::Empty),
        Some("application/x-www-form-urlencoded") => form(body),
        Some("application/json") => json::parse(body).map(Body::Json),
        None => Err(Denial::new("body", "it has no content type")),
        Some(other) => {
            let other = quoted(other.as_bytes());
            Err(Denial::new(
                "header \"content-type\"",
                format!("{other} is not known"),
            ))
        }
    }
}

/// A form whose every member can only be read in one way: written again it is
/// the same bytes.
fn form(body: &[u8]) -> Result<Body, Denial> {
    let members: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let again = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&members)
        .finish();
    if again.as_bytes() != body {
        return Err(Denial::new("body", "the form is written in an unusual way"));
    }
    Ok(Body::Form(members))
}

/// JSON that can only be read in one way: no member twice.
mod json {
    use serde_json::{Map, Value};
    use tailmint_api::from_json;

    use super::Denial;

    pub(super) fn parse(body: &[u8]) -> Result<Value, Denial> {
        let value: Strict = from_json(body)
            .map_err(|error| Denial::new("body", format!("it is not usable JSON: {error}")))?;
        Ok(value.0)
    }

    struct Strict(Value);

    impl<'de> serde::Deserialize<'de> for Strict {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Visitor).map(Self)
        }
    }

    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Value;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_str<E>(self, value: &str) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
            let mut items = Vec::new();
            while let Some(Strict(item)) = seq.next_element()? {
                items.push(item);
            }
            Ok(Value::Array(items))
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
            let mut members = Map::new();
            while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
                if members.insert(name, value).is_some() {
                    return Err(serde::de::Error::custom("a member comes twice"));
                }
            }
            Ok(Value::Object(members))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "https://api.tailscale.com/api/v2/tailnet/-/keys";

    fn parse(uri: &str, headers: &[(&str, String)], body: &[u8]) -> Result<Request, String> {
        let mut request = http::Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Request::parse(&parts, body).map_err(|denial| denial.to_string())
    }

    fn json(body: &str) -> Result<Body, String> {
        let kind = [("content-type", "application/json".to_owned())];
        parse(KEYS, &kind, body.as_bytes()).map(|request| request.body)
    }

    #[test]
    fn the_longest_path_is_taken_and_a_longer_one_is_not() {
        let uri = |bytes: usize| format!("https://api.tailscale.com/{}", "a".repeat(bytes - 1));
        assert_eq!(parse(&uri(512), &[], b"").unwrap().path.len(), 512);
        let error = parse(&uri(513), &[], b"").unwrap_err();
        assert!(error.ends_with("is longer than 512 bytes"), "{error}");
    }

    #[test]
    fn headers_are_taken_up_to_their_sum() {
        // Two of them, and every byte of their names counts.
        let headers = |bytes: usize| {
            let rest = bytes - "accept".len() - "x".len() - 100;
            [("accept", "a".repeat(rest)), ("x", "b".repeat(100))]
        };
        assert!(parse(KEYS, &headers(4096), b"").is_ok());
        let error = parse(KEYS, &headers(4097), b"").unwrap_err();
        assert_eq!(error, "headers: they are longer than 4096 bytes");
        // What the host writes itself counts too, or it would be a way around the limit.
        let host = [("host", "h".repeat(4093))];
        assert!(parse(KEYS, &host, b"").is_err());
    }

    #[test]
    fn a_body_is_taken_as_what_it_says_it_is_or_not_at_all() {
        assert_eq!(parse(KEYS, &[], b"").unwrap().body, Body::Empty);
        assert_eq!(
            parse(KEYS, &[], b"{}").unwrap_err(),
            "body: it has no content type"
        );
        let kind = |kind: &str| [("content-type", kind.to_owned())];
        let error = parse(KEYS, &kind("text/plain"), b"{}").unwrap_err();
        assert!(error.ends_with("is not known"), "{error}");
        let form = parse(KEYS, &kind("application/x-www-form-urlencoded"), b"a=b%3A");
        let members = vec![("a".to_owned(), "b:".to_owned())];
        assert_eq!(form.unwrap().body, Body::Form(members));
        let unusual = parse(KEYS, &kind("application/x-www-form-urlencoded"), b"a=%62");
        assert!(unusual.is_err());
    }

    #[test]
    fn a_length_is_that_of_the_body_and_a_plain_number() {
        let length = |text: &str| {
            let headers = [
                ("content-type", "application/json".to_owned()),
                ("content-length", text.to_owned()),
            ];
            parse(KEYS, &headers, b"{}").map(|request| request.body_bytes)
        };
        assert_eq!(length("2"), Ok(2));
        for other in ["1", "3", "+2", "2 ", "", "0x2"] {
            assert!(length(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn json_is_read_as_it_is_written() {
        use serde_json::json;

        for value in [
            json!(null),
            json!(true),
            json!(false),
            json!(-1),
            json!(u64::MAX),
            json!(1.5),
            json!("a"),
            json!([]),
            json!([null, [1], {"a": null}]),
            json!({"a": {"b": [true, "c"]}}),
        ] {
            assert_eq!(json(&value.to_string()), Ok(Body::Json(value)));
        }
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"[{"a":1,"a":1}]"#,
        ] {
            let error = json(twice).unwrap_err();
            assert!(error.contains("a member comes twice"), "{error}");
        }
        for other in ["", "{", "{}{}", "nul", "NaN", "{a:1}"] {
            assert!(json(other).is_err(), "{other}");
        }
    }
}
