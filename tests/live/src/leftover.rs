/// Something that a run created, or may have, and could not remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A key, a client or an identity.
    Key {
        /// Its id.
        id: String,
        /// The fact that needed it.
        fact: String,
        /// Why it was not removed.
        why: String,
    },
    /// What there is could not be listed.
    Unknown {
        /// What the descriptions begin with.
        prefix: String,
        /// Why there is no list.
        why: String,
    },
}

impl std::fmt::Display for Leftover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key { id, fact, why } => write!(
                f,
                "{id} of {fact} was not removed ({why}): revoke it at \
                 https://login.tailscale.com/admin/settings/trust-credentials, or at \
                 https://login.tailscale.com/admin/settings/keys, or with \
                 DELETE https://api.tailscale.com/api/v2/tailnet/-/keys/{id}"
            ),
            Self::Unknown { prefix, why } => write!(
                f,
                "what is left is not known ({why}): look for descriptions that begin with \
                 {prefix:?} at https://login.tailscale.com/admin/settings/trust-credentials and \
                 https://login.tailscale.com/admin/settings/keys"
            ),
        }
    }
}
