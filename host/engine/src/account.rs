use tailmint_api::Tailnet;

use crate::Credential;

/// Who asks, and of which tailnet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    /// Who asks.
    pub credential: Credential,
    /// Of which tailnet.
    pub tailnet: Tailnet,
    /// Where the credential comes from, for people: a path or a variable. Empty where
    /// nobody said so.
    pub origin: String,
    /// What people should know of how it was read: a sentence each, without any value.
    pub notes: Vec<String>,
    /// The request of another program that this is asked for, by the number that it has
    /// there. The audit log has it.
    pub request: Option<String>,
}

impl Account {
    /// The account of a credential in the tailnet that it belongs to.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            tailnet: Tailnet::of_credential(),
            origin: String::new(),
            notes: Vec::new(),
            request: None,
        }
    }

    /// The same in another tailnet.
    #[must_use]
    pub fn with_tailnet(self, tailnet: Tailnet) -> Self {
        Self { tailnet, ..self }
    }

    /// The same with where the credential comes from.
    #[must_use]
    pub fn with_origin(self, origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            ..self
        }
    }

    /// The same for a request of another program, by the number that it has there.
    #[must_use]
    pub fn for_request(self, request: impl Into<String>) -> Self {
        Self {
            request: Some(request.into()),
            ..self
        }
    }

    /// The same with what people should know of how it was read.
    #[must_use]
    pub fn with_notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        Self {
            notes: notes.into_iter().collect(),
            ..self
        }
    }
}
