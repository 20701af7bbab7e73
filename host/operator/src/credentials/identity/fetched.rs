use super::IdToken;

/// An identity token with where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// The token.
    pub token: IdToken,
    /// Where it came from, for people.
    pub origin: String,
    /// What people should know of how it was read: a sentence each, without any value.
    pub notes: Vec<String>,
}
