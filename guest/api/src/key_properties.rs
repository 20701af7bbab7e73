use crate::{Description, Expiry, NewKeyBody, Tag};

/// What an auth key is to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProperties {
    /// It joins more than one machine.
    pub reusable: bool,
    /// Its machines are removed when they go offline.
    pub ephemeral: bool,
    /// Its machines need no approval.
    pub preauthorized: bool,
    /// What its machines are tagged with.
    pub tags: Vec<Tag>,
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
            reusable: true,
            ephemeral: true,
            preauthorized: true,
            tags,
            expiry: Expiry::DEFAULT,
            description: None,
        }
    }

    /// The body of the request that creates such a key.
    pub fn body(&self) -> NewKeyBody<'_> {
        NewKeyBody {
            reusable: self.reusable,
            ephemeral: self.ephemeral,
            preauthorized: self.preauthorized,
            tags: self.tags.iter().map(Tag::as_str).collect(),
            expiry_seconds: self.expiry.as_secs(),
            description: self.description.as_ref().map(Description::as_str),
        }
    }
}
