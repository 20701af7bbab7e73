use http::StatusCode;
use serde_json::{Value, json};

use crate::dialect::Dialect;

/// A refusal, in the shape of either service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    body: Value,
}

impl Refusal {
    /// `{"message"}`, to which Headscale adds the status.
    pub(crate) fn message(dialect: Dialect, status: StatusCode, message: &str) -> Self {
        let mut body = json!({ "message": message });
        if dialect == Dialect::Headscale {
            body["status"] = status.as_u16().into();
        }
        Self { status, body }
    }

    /// Headscale's answer to a body that is not of the schema.
    pub(crate) fn validation(detail: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: json!({
                "message": "validation failed",
                "data": [{ "errors": [detail] }],
                "status": 422,
            }),
        }
    }

    /// RFC 6749, 5.2, as Headscale's token endpoint answers.
    pub(crate) fn rfc6749(status: StatusCode, error: &str, description: &str) -> Self {
        Self {
            status,
            body: json!({ "error": error, "error_description": description }),
        }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }
}
