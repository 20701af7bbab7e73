use crate::{MAX_SCOPE_BYTES, is_scope, text_type};

text_type! {
    /// A scope of an OAuth client, such as `auth_keys` or `devices:core`.
    Scope, ScopeError, |text| is_scope(text).then_some(()).ok_or(ScopeError)
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
