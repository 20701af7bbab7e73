use http::{Method, Request as HttpRequest, request::Parts};
use tailmint::connection::ConnectTo;
use tailmint_api::API_HOST;
use tailmint_policy::Request;

/// A URL of a request, or a place to connect to: what is taken is the API's, and
/// printed and read again it is the same.
pub fn destination(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(to) = text.parse::<ConnectTo>() {
        assert_eq!(to.to_string().parse(), Ok(to));
    }
    let Some(request) = parts(text).and_then(|parts| Request::parse(&parts, &[]).ok()) else {
        return;
    };
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").expect("the scheme is https");
    let rest = rest.strip_prefix(API_HOST).expect("the host is the API's");
    let rest = rest.strip_prefix(":443").unwrap_or(rest);
    assert!(
        rest.is_empty() || rest.starts_with(['/', '?', '#']),
        "{text:?}"
    );
    let printed = match &request.query {
        Some(query) => format!("https://{API_HOST}{}?{query}", request.path),
        None => format!("https://{API_HOST}{}", request.path),
    };
    let again = parts(&printed).expect("what is printed is a URL");
    let again = Request::parse(&again, &[]).expect("what was taken is taken again");
    assert_eq!((again.path, again.query), (request.path, request.query));
}

fn parts(url: &str) -> Option<Parts> {
    let request = HttpRequest::builder()
        .method(Method::POST)
        .uri(url)
        .body(());
    Some(request.ok()?.into_parts().0)
}
