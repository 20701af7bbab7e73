use serde::{Deserialize, Serialize};

use crate::text::one_line;

/// The response of the token endpoint (RFC 6749, 5.1), as far as it is of use here. A
/// component sees these members and no others.
#[derive(Debug, Deserialize, Serialize)]
pub struct Granted {
    /// The token.
    pub access_token: String,
    /// The scopes that it was given, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The tags that it carries, likewise. Live responses have them (tailscale/tailscale
    /// #15456), the documentation does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
}

impl Granted {
    /// Whether it has the scope that was asked for. The server drops scopes that it does
    /// not know without a word (tailscale/tailscale #14286); where it names none, it granted
    /// what was asked for (RFC 6749, 5.1).
    pub fn grants(&self, asked: &str) -> bool {
        self.scope.as_deref().is_none_or(|granted| {
            granted
                .split_ascii_whitespace()
                .any(|scope| scope == asked || scope == "all")
        })
    }

    /// The scopes that it names, each as one line.
    pub fn scopes(&self) -> Vec<String> {
        let scopes = self.scope.as_deref().unwrap_or_default();
        scopes.split_ascii_whitespace().map(one_line).collect()
    }

    /// The tags, each as one line.
    pub fn tags(&self) -> Vec<String> {
        let tags = self.tags.as_deref().unwrap_or_default();
        tags.split_ascii_whitespace().map(one_line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(scope: Option<&str>, tags: Option<&str>) -> Granted {
        Granted {
            access_token: String::new(),
            scope: scope.map(str::to_owned),
            tags: tags.map(str::to_owned),
        }
    }

    #[test]
    fn a_scope_is_granted_where_it_is_named_or_none_is() {
        for (scope, grants) in [
            (None, true),
            (Some("auth_keys"), true),
            (Some("devices auth_keys"), true),
            (Some("all"), true),
            (Some("devices all"), true),
            (Some(""), false),
            (Some("devices"), false),
            (Some("auth_keys:read"), false),
        ] {
            assert_eq!(
                granted(scope, None).grants("auth_keys"),
                grants,
                "{scope:?}"
            );
        }
    }

    #[test]
    fn tags_are_separated_by_blanks() {
        assert_eq!(granted(None, None).tags(), [""; 0]);
        let two = granted(None, Some("tag:a tag:b\u{1b}"));
        assert_eq!(two.tags(), ["tag:a", "tag:b"]);
    }

    #[test]
    fn scopes_are_separated_by_blanks() {
        assert_eq!(granted(None, None).scopes(), [""; 0]);
        let two = granted(Some("auth_keys devices:core\u{1b}"), None);
        assert_eq!(two.scopes(), ["auth_keys", "devices:core"]);
    }
}
