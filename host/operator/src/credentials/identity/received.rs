use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use tailmint::connection::ApiResponse;
use tailmint_api::{OutsideText, from_json};
use tailmint_core::{Secret, redacted};
use zeroize::Zeroizing;

use super::{IdentityError, TokenSourceKind};
use crate::credentials::command::without_secrets;

/// A response of a platform's service. Its body is wiped.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl From<ApiResponse> for Received {
    fn from(response: ApiResponse) -> Self {
        Self {
            status: response.status,
            headers: response.headers,
            body: response.body,
        }
    }
}

/// The members of errors that say what is wrong, the shortest first.
const REASONS: [&str; 3] = ["error", "error_description", "message"];

impl Received {
    /// The body of a success.
    pub(super) fn success(
        &self,
        platform: TokenSourceKind,
        secrets: &[&Secret],
    ) -> Result<&[u8], IdentityError> {
        let status = self.status.as_u16();
        if self.status == StatusCode::OK {
            return Ok(&self.body);
        }
        Err(match status {
            300..400 if self.headers.contains_key(header::LOCATION) => {
                IdentityError::Redirected { platform, status }
            }
            _ => IdentityError::Rejected {
                platform,
                status,
                message: self.words(secrets),
            },
        })
    }

    /// What the service says is wrong, without these secrets and all that looks like one.
    fn words(&self, secrets: &[&Secret]) -> OutsideText {
        let text = match from_json::<Map<String, Value>>(&self.body) {
            Ok(members) => {
                let reasons = REASONS
                    .iter()
                    .filter_map(|name| members.get(*name)?.as_str());
                reasons.collect::<Vec<_>>().join(": ")
            }
            // A page for people is not one line.
            Err(_) if self.body.trim_ascii_start().starts_with(b"<") => String::new(),
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        OutsideText::new(&without_secrets(&redacted(&text, secrets)))
    }

    /// The text of this member of a JSON object.
    pub(super) fn member(body: &[u8], name: &str) -> Option<Zeroizing<String>> {
        let members: Map<String, Value> = from_json(body).ok()?;
        let mut found = None;
        for (member, value) in members {
            if let Value::String(text) = value {
                let text = Zeroizing::new(text);
                if member == name {
                    found = Some(text);
                }
            }
        }
        found
    }
}
