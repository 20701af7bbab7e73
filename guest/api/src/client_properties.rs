use crate::{Description, NewClientBody, Scope, Tag};

/// What an OAuth client is for, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientProperties {
    /// What the admin console shows beside it.
    pub description: Description,
    /// Its scopes.
    pub scopes: Vec<Scope>,
    /// The tags that it may give to machines.
    pub tags: Vec<Tag>,
}

impl ClientProperties {
    /// The body of the request that creates such a client.
    pub fn body(&self) -> NewClientBody<'_> {
        NewClientBody::new(
            self.description.as_str(),
            self.scopes.iter().map(Scope::as_str).collect(),
            self.tags.iter().map(Tag::as_str).collect(),
        )
    }
}
