use serde::Serialize;

/// The body of a request that creates an OAuth client. All members are always there
/// (Terraform's provider sends the same).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewClientBody<'a> {
    key_type: KeyType,
    /// What the admin console shows beside it.
    pub description: &'a str,
    /// What it may do. At least one.
    pub scopes: Vec<&'a str>,
    /// The tags that it may give to machines.
    pub tags: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum KeyType {
    Client,
}

impl<'a> NewClientBody<'a> {
    /// The body for a client with this description, these scopes and these tags.
    pub fn new(description: &'a str, scopes: Vec<&'a str>, tags: Vec<&'a str>) -> Self {
        Self {
            key_type: KeyType::Client,
            description,
            scopes,
            tags,
        }
    }
}
