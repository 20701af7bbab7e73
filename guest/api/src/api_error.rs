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
