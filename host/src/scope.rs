use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tailmint_api::{MAX_SCOPE_BYTES, is_scope};

/// A scope of an OAuth client, such as `auth_keys` or `devices:core`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

impl Scope {
    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        is_scope(text)
            .then(|| Self(text.to_owned()))
            .ok_or(ScopeError)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope has at most {MAX_SCOPE_BYTES} lower case letters, digits, _ and :, such as auth_keys or devices:core"
)]
pub struct ScopeError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_scopes_and_refuses_lists_of_them() {
        for scope in ["auth_keys", "devices:core:read"] {
            assert_eq!(scope.parse::<Scope>().unwrap().as_str(), scope);
        }
        for text in ["", "auth_keys devices", "auth_keys,devices", "Auth"] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError), "{text:?}");
        }
    }
}
