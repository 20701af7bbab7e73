//! One request of somebody else's choice, in the id of the credential.

use crate::{Body, Request};

const PREFIX: &str = "vector-";

/// Between the parts; in none of them.
const SEPARATOR: char = '\u{1f}';

/// The id that has the component make this request: method, scheme, authority, path
/// and announced content length. It is of characters that forms do not escape.
pub fn vector(parts: [Option<&str>; 5]) -> String {
    let marked = parts.map(|part| part.map_or("-".to_owned(), |part| format!("={part}")));
    let joined = marked.join(&SEPARATOR.to_string());
    let digits = joined.bytes().map(|byte| format!("{byte:02x}"));
    PREFIX.to_owned() + &digits.collect::<String>()
}

impl Request {
    /// The request that the id asks for, if it asks for one.
    pub fn of_vector(id: &str) -> Option<Self> {
        let digits = id.strip_prefix(PREFIX)?;
        let bytes: Option<Vec<u8>> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
            .collect();
        let text = String::from_utf8(bytes?).ok()?;
        let mut parts = text
            .split(SEPARATOR)
            .map(|part| part.strip_prefix('=').map(str::to_owned));
        let mut next = || parts.next().flatten();
        Some(Self {
            method: next().unwrap_or_default(),
            scheme: next(),
            authority: next(),
            path: next(),
            headers: vec![(
                "user-agent".to_owned(),
                concat!("tailmint/", env!("CARGO_PKG_VERSION")).into(),
            )],
            body: next().map_or(Body::Token, Body::Announced),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_request() {
        let id = vector([Some("GET"), None, Some("a\r\nb"), Some(""), Some("+1")]);
        let request = Request::of_vector(&id).unwrap();
        assert_eq!(request.method, "GET");
        assert_eq!(request.scheme, None);
        assert_eq!(request.authority.as_deref(), Some("a\r\nb"));
        assert_eq!(request.path.as_deref(), Some(""));
        assert!(matches!(request.body, Body::Announced(length) if length == "+1"));
        assert!(Request::of_vector("A-other").is_none());
    }
}
