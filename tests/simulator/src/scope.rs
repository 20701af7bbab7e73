//! Scopes: which exist, and which one grants another.

/// Scopes that have a twin that only reads (`NAME:read`), from Tailscale's
/// `OpenAPI` document, with the old broad ones that old clients still have.
const WITH_READ: [&str; 24] = [
    "account_settings",
    "acl",
    "all",
    "api_access_tokens",
    "auth_keys",
    "device_invites",
    "devices",
    "devices:core",
    "devices:posture_attributes",
    "devices:routes",
    "dns",
    "feature_settings",
    "federated_keys",
    "log_streaming",
    "logs:network",
    "networking_settings",
    "oauth_apps",
    "oauth_keys",
    "policy_file",
    "routes",
    "services",
    "user_invites",
    "users",
    "webhooks",
];

/// Whether the service knows the scope. Others it drops.
pub(crate) fn exists(scope: &str) -> bool {
    scope == "logs:configuration:read"
        || WITH_READ.contains(&scope.strip_suffix(":read").unwrap_or(scope))
}

/// Whether one of the scopes held grants the one wanted.
pub(crate) fn grants(held: &[String], wanted: &str) -> bool {
    let reads = wanted.strip_suffix(":read");
    held.iter().any(|held| {
        held == wanted
            || held == "all"
            || Some(held.as_str()) == reads
            || (held == "all:read" && reads.is_some())
    })
}

/// Whether the scopes allow to deal with keys of a kind, whose own scope is
/// given: the old scope `devices` has auth keys in it.
pub(crate) fn allow_keys(held: &[String], own: &str) -> bool {
    grants(held, own) || (own.starts_with("auth_keys") && grants(held, "devices"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|&scope| scope.to_owned()).collect()
    }

    #[test]
    fn a_write_scope_grants_its_read_and_not_the_reverse() {
        assert!(grants(&held(&["auth_keys"]), "auth_keys:read"));
        assert!(!grants(&held(&["auth_keys:read"]), "auth_keys"));
        assert!(grants(&held(&["all"]), "services"));
        assert!(!grants(&held(&["all:read"]), "services"));
    }

    #[test]
    fn the_old_broad_scope_is_another_than_the_new_one() {
        assert!(!grants(&held(&["devices:core"]), "devices"));
        assert!(allow_keys(&held(&["devices"]), "auth_keys"));
        assert!(!allow_keys(&held(&["devices:core"]), "auth_keys"));
    }

    #[test]
    fn knows_what_exists() {
        assert!(exists("auth_keys") && exists("devices:core:read"));
        assert!(!exists("device") && !exists("auth_keys,devices:core"));
    }
}
