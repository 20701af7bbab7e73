use crate::{Description, Expiry, KeyCapabilities, NewKeyBody, Tag};

/// What an auth key is to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProperties {
    /// What it lets devices do, and their tags.
    pub capabilities: KeyCapabilities<Vec<Tag>>,
    /// How long it joins machines.
    pub expiry: Expiry,
    /// What the admin console shows beside it.
    pub description: Option<Description>,
}

impl KeyProperties {
    /// A key for machines with these tags: reusable, ephemeral, preauthorized,
    /// for one hour, without a description.
    pub fn for_tags(tags: Vec<Tag>) -> Self {
        Self {
            capabilities: KeyCapabilities::for_tags(tags),
            expiry: Expiry::DEFAULT,
            description: None,
        }
    }

    /// The body of the request that creates such a key.
    pub fn body(&self) -> NewKeyBody {
        NewKeyBody {
            capabilities: self
                .capabilities
                .with_tags(|tags| tags.iter().map(ToString::to_string).collect()),
            expiry_seconds: self.expiry.as_secs(),
            description: self.description.as_ref().map(ToString::to_string),
        }
    }
}
