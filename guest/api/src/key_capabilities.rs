use serde::{Deserialize, Serialize};

/// What an auth key lets devices do that join with it, as the API writes it
/// (`capabilities.devices.create`). `Tags` is a list of tags.
///
/// All that a key can be given besides its expiry and its description stands here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct KeyCapabilities<Tags> {
    /// It joins more than one machine.
    pub reusable: bool,
    /// Its machines are removed when they go offline.
    pub ephemeral: bool,
    /// Its machines need no approval by an administrator.
    pub preauthorized: bool,
    /// What its machines are tagged with.
    pub tags: Tags,
}

impl<Tags> KeyCapabilities<Tags> {
    /// Reusable, ephemeral and preauthorized.
    pub fn for_tags(tags: Tags) -> Self {
        Self {
            reusable: true,
            ephemeral: true,
            preauthorized: true,
            tags,
        }
    }

    /// The same with the tags as `written` has them.
    pub fn with_tags<'a, Written>(
        &'a self,
        written: impl FnOnce(&'a Tags) -> Written,
    ) -> KeyCapabilities<Written> {
        KeyCapabilities {
            reusable: self.reusable,
            ephemeral: self.ephemeral,
            preauthorized: self.preauthorized,
            tags: written(&self.tags),
        }
    }
}
