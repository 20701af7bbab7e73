use serde::{Deserialize, Serialize};

use crate::{OutsideText, list::list};

/// Both shapes of error bodies: Tailscale's `{"message"}`, with the `data` that
/// some control servers add, and RFC 6749's `{"error", "error_description"}`. A
/// component sees these members and no others.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ApiError {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    data: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Item {
    #[serde(deserialize_with = "list")]
    errors: Vec<String>,
}

impl ApiError {
    /// Whether it says anything. A body that says nothing is not the API's: it comes from
    /// something in between.
    pub fn is_from_api(&self) -> bool {
        self.message.is_some() || self.error.is_some()
    }

    /// Whether a response of this status with this body proves that the request was not
    /// carried out. Gateways respond with any status, and with 5xx also to requests that
    /// got through; only the API's own rejection is proof.
    pub fn proves_rejection(&self, status: u16) -> bool {
        (400..500).contains(&status) && self.is_from_api()
    }

    /// What the API says, as one line.
    pub fn line(&self) -> OutsideText {
        let said = match (&self.message, &self.error, &self.error_description) {
            (Some(message), ..) => {
                let details = self.data.iter().flat_map(|item| &item.errors);
                let mut said = message.clone();
                for detail in details {
                    said.push_str("; ");
                    said.push_str(detail);
                }
                said
            }
            (None, Some(error), Some(description)) => format!("{error}: {description}"),
            (None, Some(error), None) => error.clone(),
            (None, None, _) => String::new(),
        };
        OutsideText::new(&said)
    }

    /// Whether this stands in the message, or in the name of the error.
    pub fn says(&self, part: &str) -> bool {
        self.message.as_deref().is_some_and(|it| it.contains(part))
            || self.error.as_deref().is_some_and(|it| it.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> ApiError {
        crate::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_body_is_the_apis_where_it_says_something() {
        for (json, line) in [
            (r#"{"message":"no such key"}"#, "no such key"),
            (
                r#"{"message":"bad tags","data":[{"errors":["a","b"]},{"errors":["c"]}]}"#,
                "bad tags; a; b; c",
            ),
            (r#"{"message":"","data":null}"#, ""),
            (r#"{"error":"invalid_client"}"#, "invalid_client"),
            (
                r#"{"error":"invalid_client","error_description":"unknown"}"#,
                "invalid_client: unknown",
            ),
            (r#"{"message":"a","error":"b"}"#, "a"),
        ] {
            let error = error(json);
            assert!(error.is_from_api(), "{json}");
            assert_eq!(&*error.line(), line);
        }
        for json in ["{}", r#"{"error_description":"unknown"}"#, r#"{"data":[]}"#] {
            let error = error(json);
            assert!(!error.is_from_api(), "{json}");
            assert_eq!(&*error.line(), "");
            assert!(!error.proves_rejection(400), "{json}");
        }
    }

    #[test]
    fn only_the_apis_own_4xx_proves_that_nothing_was_done() {
        let said = error(r#"{"message":"no"}"#);
        for status in [400, 404, 429, 499] {
            assert!(said.proves_rejection(status), "{status}");
        }
        for status in [200, 302, 399, 500, 503] {
            assert!(!said.proves_rejection(status), "{status}");
        }
    }

    #[test]
    fn words_are_looked_for_in_the_message_and_in_the_name() {
        let message = error(r#"{"message":"requested tags are invalid"}"#);
        assert!(message.says("tags") && !message.says("scope"));
        let name = error(r#"{"error":"invalid_scope","error_description":"tags"}"#);
        assert!(name.says("scope") && !name.says("tags"));
    }
}
