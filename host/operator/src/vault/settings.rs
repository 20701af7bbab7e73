use std::path::PathBuf;

use super::{VaultAddress, VaultError, VaultPath};
use crate::{Authorities, credentials};
use tailmint::Secret;
use tailmint::connection::Trust;
use tailmint_core::Environment;

/// How a Vault is reached, by the variables that Vault's own command reads.
#[derive(Clone, Debug)]
pub struct VaultSettings {
    pub(super) address: VaultAddress,
    pub(super) namespace: Option<VaultPath>,
    pub(super) token: Secret,
    pub(super) trust: Trust,
}

const ADDRESS: &str = "VAULT_ADDR";
const CA_FILE: &str = "VAULT_CACERT";
const NAMESPACE: &str = "VAULT_NAMESPACE";
const SKIP_VERIFY: &str = "VAULT_SKIP_VERIFY";

/// What Vault's own command reads as "no".
const FALSE: [&str; 6] = ["0", "f", "F", "false", "False", "FALSE"];

impl VaultSettings {
    /// By `VAULT_ADDR`, `VAULT_TOKEN` or the file `~/.vault-token`, `VAULT_CACERT`
    /// and `VAULT_NAMESPACE`.
    ///
    /// `VAULT_CACERT` replaces the bundled authorities. `VAULT_SKIP_VERIFY` is an error
    /// and not ignored: a user who set it expects a connection that is not made here.
    ///
    /// # Errors
    /// A variable is missing or makes no sense, or the token file is not one.
    pub fn from_env(environment: &Environment) -> Result<Self, VaultError> {
        let skip = environment.get(SKIP_VERIFY);
        if skip.is_some_and(|value| !FALSE.iter().any(|no| value == *no)) {
            return Err(VaultError::SkipVerify);
        }
        let address = environment.get(ADDRESS).ok_or(VaultError::NoAddress)?;
        let address = address.to_string_lossy().parse();
        let namespace = environment
            .get(NAMESPACE)
            .map(|value| value.to_string_lossy().parse())
            .transpose();
        let trust = match environment.get(CA_FILE) {
            Some(path) => Authorities::File(PathBuf::from(path))
                .trust(environment)
                .map_err(VaultError::Authorities)?,
            None => Trust::bundled(),
        };
        Ok(Self {
            address: address.map_err(VaultError::Address)?,
            namespace: namespace.map_err(VaultError::Namespace)?,
            token: credentials::vault_token(environment)
                .map_err(VaultError::Credential)?
                .ok_or(VaultError::NoToken)?,
            trust,
        })
    }

    /// Where the Vault is.
    pub fn address(&self) -> &VaultAddress {
        &self.address
    }

    /// The namespace, if there is one.
    pub fn namespace(&self) -> Option<&VaultPath> {
        self.namespace.as_ref()
    }
}
