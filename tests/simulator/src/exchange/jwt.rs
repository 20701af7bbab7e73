use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::unique::Unique;

/// A JSON Web Token (RFC 7519) as a JWS in its compact form (RFC 7515, 7.1), read and not
/// verified.
#[derive(Debug, PartialEq)]
pub(super) struct Jwt {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// What is signed.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Jwt {
    /// Reads one, or says why the text is not one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let malformed = |what: &str| format!("token is malformed: {what}");
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("token contains an invalid number of segments"));
        };
        let part = |name: &str, part: &str| {
            let decoded = BASE64_URL_SAFE_NO_PAD.decode(part);
            decoded.map_err(|error| malformed(&format!("could not base64 decode {name}: {error}")))
        };
        let object = |name: &str, text: &str| {
            let read = serde_json::from_slice(&part(name, text)?);
            match read {
                Ok(Unique(Value::Object(members))) => Ok(members),
                Ok(_) => Err(malformed(&format!(
                    "could not JSON decode {name}: not an object"
                ))),
                Err(error) => {
                    // Without the position, which is one in the decoded part.
                    let text = error.to_string();
                    let why = text.split(" at line ").next().unwrap_or_default();
                    Err(malformed(&format!("could not JSON decode {name}: {why}")))
                }
            }
        };
        Ok(Self {
            header: object("header", header)?,
            claims: object("claim", claims)?,
            signed: format!("{header}.{claims}").into_bytes(),
            signature: part("signature", signature)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn malformed_tokens_are_told_apart() {
        let good = encoded("{}");
        for (text, why) in [
            (String::new(), "invalid number of segments"),
            (format!("{good}.{good}"), "invalid number of segments"),
            (format!("{good}.{good}.a.b.c"), "invalid number of segments"),
            (format!("{good}=.{good}."), "base64 decode header"),
            (format!("{good}.e+0.{good}"), "base64 decode claim"),
            (format!("{good}.{good}.=="), "base64 decode signature"),
            (format!("{}.{good}.", encoded("[]")), "JSON decode header"),
            (format!("{good}.{}.", encoded("{")), "JSON decode claim"),
            (
                format!("{good}.{}.", encoded(r#"{"aud":"a","aud":"b"}"#)),
                "duplicate member \"aud\"",
            ),
        ] {
            let cause = Jwt::parse(&text).unwrap_err();
            assert!(cause.starts_with("token is malformed: "), "{cause}");
            assert!(cause.contains(why), "{cause}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_rejected(text in "[A-Za-z0-9_.=+/-]{0,200}|.*") {
            // It does not panic, and what it takes it takes apart rightly.
            if let Ok(jwt) = Jwt::parse(&text) {
                let signature = BASE64_URL_SAFE_NO_PAD.encode(&jwt.signature);
                let signed = String::from_utf8(jwt.signed).unwrap();
                prop_assert_eq!(format!("{signed}.{signature}"), text);
            }
        }

        #[test]
        fn what_is_written_is_read(claim in ".*", value in ".*", signature: Vec<u8>) {
            let claims = serde_json::json!({ claim: value });
            let text = format!(
                "{}.{}.{}",
                encoded(r#"{"alg":"RS256"}"#),
                encoded(&claims.to_string()),
                BASE64_URL_SAFE_NO_PAD.encode(&signature)
            );
            let jwt = Jwt::parse(&text).unwrap();
            prop_assert_eq!(Value::Object(jwt.claims), claims);
            prop_assert_eq!(jwt.signature, signature);
        }
    }
}
