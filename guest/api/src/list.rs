use serde::{Deserialize, Deserializer};

/// Reads a list. The API is written in Go, which writes an empty list as null where nobody
/// took care.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
