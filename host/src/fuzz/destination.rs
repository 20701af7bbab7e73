use http::{Method, Request, request::Parts};
use tailmint_api::API_HOST;

use crate::{ConnectTo, policy::Outbound};

/// A URL of a request, or a place to connect to: what is taken is the API's, and
/// printed and read again it is the same.
pub fn destination(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(to) = text.parse::<ConnectTo>() {
        assert_eq!(to.to_string().parse(), Ok(to));
    }
    let Some(outbound) = parts(text).and_then(|parts| Outbound::parse(&parts, &[]).ok()) else {
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
    let printed = match &outbound.query {
        Some(query) => format!("https://{API_HOST}{}?{query}", outbound.path),
        None => format!("https://{API_HOST}{}", outbound.path),
    };
    let again = parts(&printed).expect("what is printed is a URL");
    let again = Outbound::parse(&again, &[]).expect("what was taken is taken again");
    assert_eq!((again.path, again.query), (outbound.path, outbound.query));
}

fn parts(url: &str) -> Option<Parts> {
    let request = Request::builder().method(Method::POST).uri(url).body(());
    Some(request.ok()?.into_parts().0)
}
