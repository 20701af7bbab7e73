use super::Failure;

/// What a request is about: the path below the mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Config,
    Check,
    RotateRoot,
    Roles,
    Role(Name),
    Creds(Name),
    Keys,
    Key(Name),
}

/// The name of a role, or the id of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

/// Longer names are no use to people.
const MAX_NAME_BYTES: usize = 64;

impl Name {
    fn parse(text: &str) -> Result<Self, Failure> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len())
            && text.bytes().all(is_plain)
            && text
                .bytes()
                .next()
                .is_some_and(|it| it.is_ascii_alphanumeric());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Failure::Caller(format!(
                "a name has 1 to {MAX_NAME_BYTES} letters, digits, -, _ and ., and begins with a letter or a digit"
            )))
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Path {
    /// The path of a request. A list's ends with a slash.
    pub(super) fn parse(path: &str) -> Result<Self, Failure> {
        let path = path.strip_suffix('/').unwrap_or(path);
        match path.split_once('/') {
            None => match path {
                "config" => Ok(Self::Config),
                "roles" => Ok(Self::Roles),
                "keys" => Ok(Self::Keys),
                _ => Err(Failure::NoPath),
            },
            Some(("config", "check")) => Ok(Self::Check),
            Some(("config", "rotate-root")) => Ok(Self::RotateRoot),
            Some(("roles", name)) => Name::parse(name).map(Self::Role),
            Some(("creds", name)) => Name::parse(name).map(Self::Creds),
            Some(("keys", name)) => Name::parse(name).map(Self::Key),
            Some(_) => Err(Failure::NoPath),
        }
    }

    /// Its help.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Config => CONFIG_HELP,
            Self::Check => CHECK_HELP,
            Self::RotateRoot => ROTATE_ROOT_HELP,
            Self::Roles => ROLES_HELP,
            Self::Role(_) => ROLE_HELP,
            Self::Creds(_) => CREDS_HELP,
            Self::Keys => KEYS_HELP,
            Self::Key(_) => KEY_HELP,
        }
    }
}

/// The help of the mount as a whole.
pub(super) const HELP: &str = "\
Mints short-lived Tailscale auth keys. Each key has a lease: the two end together.

    config              the credential that keys are minted with
    config/check        whether it works; mints nothing
    config/rotate-root  replaces the OAuth client by a new one
    roles/NAME          what keys of this name are
    creds/NAME          mints a key
    keys                the keys that are alive, as far as this mount knows

The policy of the Vault server's machine limits what can be minted here.";

const CONFIG_HELP: &str = "\
The credential that keys are minted with. Its secret cannot be read back.

An OAuth client with the scope auth_keys:
    client_id, client_secret
Or a federated identity, which has no secret:
    client_id, audience (optional), and one of
    token_file, token_env, token_source (gcp, azure, fly)
    For azure: azure_resource, azure_client_id (optional)
Either:
    tailnet             the tailnet [default: -, that of the credential]

A write replaces the whole of it. It cannot be deleted while keys are alive.";

const CHECK_HELP: &str = "\
Whether the credential works, what it may do, and which roles the policy of this machine
denies. Asks the API for an access token and mints nothing.";

const ROTATE_ROOT_HELP: &str = "\
Creates an OAuth client like the one in config, checks it, stores it, and then deletes the
old one. The client needs the scope oauth_keys for that, and the policy of the machine has
to allow that scope in rule.create-client.client.scopes.";

const ROLES_HELP: &str = "The names of the roles.";

const ROLE_HELP: &str = "\
What keys of this role are. A write changes what it names, and leaves the rest.

    tags                the tags of the machines that join, with commas (required)
    expiry              how long a key joins machines [default: 1h]
    ttl                 how long its lease is [default: the expiry]
    max_ttl             how long renewals can make it [default: the expiry]
    reusable            it joins more than one machine [default: false]
    ephemeral           its machines are removed when they go offline [default: true]
    preauthorized       its machines need no approval [default: true]
    description         what the admin console shows before the key's mark
    max_per_hour        how many keys it mints within an hour at most [default: 0, any number]
    revoke              the key is revoked when its lease ends [default: true]

A role that the policy of the machine does not allow is rejected.";

const CREDS_HELP: &str = "\
Mints a key of this role. Its lease ends with it; the end of the lease revokes it.";

const KEYS_HELP: &str = "The ids of the keys that this mount minted and that are alive.";

const KEY_HELP: &str = "When a key was minted, for which role and which request. Not the key.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_or_rejected() {
        let name = |text: &str| Name(text.to_owned());
        for (text, path) in [
            ("config", Path::Config),
            ("config/check", Path::Check),
            ("config/rotate-root", Path::RotateRoot),
            ("roles/", Path::Roles),
            ("roles/a-b_c.d", Path::Role(name("a-b_c.d"))),
            ("creds/9", Path::Creds(name("9"))),
            ("keys", Path::Keys),
            ("keys/k1CNTRL", Path::Key(name("k1CNTRL"))),
        ] {
            assert_eq!(Path::parse(text), Ok(path.clone()), "{text}");
            assert!(!path.help().is_empty());
        }
        for text in ["", "/", "role/a", "config/other", "a/b", "creds"] {
            assert_eq!(Path::parse(text), Err(Failure::NoPath), "{text:?}");
        }
        let long = "a".repeat(65);
        for text in ["..", "a/b", "", "-a", "a b", "é", &long] {
            let parsed = Path::parse(&format!("roles/{text}/"));
            assert!(matches!(parsed, Err(Failure::Caller(_))), "{text:?}");
        }
    }
}
