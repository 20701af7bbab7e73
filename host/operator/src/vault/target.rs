use std::fmt;

use super::{VaultPath, VaultPathError};

/// Where in a Vault an OAuth client is kept: a secret of a KV store, version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultTarget {
    /// Where the store is mounted.
    pub mount: VaultPath,
    /// The secret's path in it.
    pub path: VaultPath,
}

const MOUNT: &str = "secret";
const PATH: &str = "tazlab-k8s/static/infra/tailscale/";

impl VaultTarget {
    /// The member that has the client's id: as the Kubernetes operator's own secret
    /// calls it.
    pub const ID: &str = "client_id";

    /// The member that has its secret, likewise.
    pub const SECRET: &str = "client_secret";

    /// The place for a profile. A path that is a directory has one secret for each,
    /// named after it; what is not given is `secret` and
    /// `tazlab-k8s/static/infra/tailscale/`.
    ///
    /// # Errors
    /// The profile's name cannot be a part of a path.
    pub fn for_profile(
        profile: &str,
        mount: Option<&VaultPath>,
        path: Option<&VaultPath>,
    ) -> Result<Self, VaultPathError> {
        let or = |given: Option<&VaultPath>, usual: &str| match given {
            Some(given) => Ok(given.clone()),
            None => usual.parse(),
        };
        Ok(Self {
            mount: or(mount, MOUNT)?,
            path: or(path, PATH)?.leaf(profile)?,
        })
    }
}

impl fmt::Display for VaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mount, self.path)
    }
}
