use crate::{Error, Problem};

impl Error {
    /// The caller has to change the request: it was not sent.
    pub(crate) fn invalid_request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::InvalidRequest(Problem {
            message: message.into(),
            hint: hint.into(),
            status: None,
        })
    }
}
