use super::{VaultAddressError, VaultPathError};
use crate::AuthoritiesError;
use crate::credentials::CredentialError;
use tailmint::{Class, Diagnose};
use tailmint_api::OutsideText;
use tailmint_audit::AuditError;
use tailmint_core::{CertificateProblem, Denial, Failure, quoted};

/// Why an OAuth client was not written to a Vault. No message repeats a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// `VAULT_ADDR` is not an address.
    #[error("$VAULT_ADDR: {0}")]
    Address(VaultAddressError),
    /// Something could not be written down.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// `VAULT_CACERT` cannot be used.
    #[error(transparent)]
    Authorities(AuthoritiesError),
    /// The token's file or variable cannot be used.
    #[error(transparent)]
    Credential(CredentialError),
    /// Somebody deleted the current version.
    #[error("{target}: version {version} was {}", if *destroyed { "destroyed" } else { "deleted" })]
    Deleted {
        /// Where.
        target: String,
        /// The version.
        version: u64,
        /// Whether it is gone for good.
        destroyed: bool,
    },
    /// The policy does not name the address: nothing was sent.
    #[error("the policy denies it by rule vault: {0}")]
    Denied(Denial),
    /// The token may not do it, or is invalid.
    #[error(
        "the vault rejects the token{}",
        if *invalid_token { ": it is invalid, or has expired".to_owned() }
        else { format!(" for {target}") }
    )]
    Forbidden {
        /// Where.
        target: String,
        /// Whether the token is what is wrong.
        invalid_token: bool,
    },
    /// A fault of this library, or of the system.
    #[error("{0}")]
    Internal(&'static str),
    /// The caller wanted to stop. Nothing was written.
    #[error("interrupted")]
    Interrupted,
    /// The response does not look like a Vault's.
    #[error("unexpected response: it does not look like a vault's")]
    Malformed,
    /// `VAULT_NAMESPACE` is not a namespace.
    #[error("$VAULT_NAMESPACE: {0}")]
    Namespace(VaultPathError),
    /// The server has no namespaces: it would pass over the one that is set.
    #[error("the vault has no namespaces, and would use the root instead of {namespace}")]
    NamespaceIgnored {
        /// The one that is set.
        namespace: String,
    },
    /// There is no address.
    #[error("there is no vault to push to: $VAULT_ADDR is not set")]
    NoAddress,
    /// Nothing is mounted there.
    #[error("the vault has no secrets engine at {mount}")]
    NoMount {
        /// Where.
        mount: String,
    },
    /// There is no token.
    #[error("there is no token for the vault: neither $VAULT_TOKEN nor ~/.vault-token")]
    NoToken,
    /// What is mounted there has no versions.
    #[error("{mount} is not a KV store of version 2, and would overwrite the secret")]
    NotVersioned {
        /// Where.
        mount: String,
    },
    /// The secret has members that a new version would not have.
    #[error(
        "{target} has other fields, which a new version would drop: {}",
        names(fields)
    )]
    OtherFields {
        /// Where.
        target: String,
        /// Their names.
        fields: Vec<OutsideText>,
    },
    /// The write was sent, and no response says whether it succeeded.
    #[error("it is not known whether the vault has it: {detail}")]
    OutcomeUnknown {
        /// What came instead.
        detail: OutsideText,
    },
    /// Another version than the expected one is there.
    #[error("{target}: version {found} is there, not {expected}: nothing was written")]
    Overtaken {
        /// Where.
        target: String,
        /// The version that was expected; 0 for none.
        expected: u64,
        /// The version that is there.
        found: u64,
    },
    /// What was read back is not what was written.
    #[error("{target}: version {version} differs from what was written")]
    ReadBack {
        /// Where.
        target: String,
        /// The version.
        version: u64,
    },
    /// The server sent a redirect, which is not followed.
    #[error("the vault sent {status}, a redirect{}", match to {
        Some(to) => format!(" to {to}"),
        None => String::new(),
    })]
    Redirected {
        /// The status.
        status: u16,
        /// Where to.
        to: Option<OutsideText>,
    },
    /// The server rejects the request for a reason of its own.
    #[error("the vault rejects the request ({status}): {message}")]
    Refused {
        /// The status.
        status: u16,
        /// The reason.
        message: OutsideText,
    },
    /// The server is sealed, or was never set up: it says the same of both.
    #[error("the vault is sealed")]
    Sealed,
    /// A variable wants verification to be off.
    #[error("$VAULT_SKIP_VERIFY is set, but certificates are always verified")]
    SkipVerify,
    /// The server failed on its side.
    #[error("the vault failed ({status}){}{message}", if message.is_empty() { "" } else { ": " })]
    Unavailable {
        /// The status.
        status: u16,
        /// What it says.
        message: OutsideText,
    },
    /// The server could not be reached, or nothing came back.
    #[error(transparent)]
    Unreachable(Failure),
}

/// A secret that was seen has two or three fields.
const MAX_NAMES: usize = 8;

fn names(fields: &[OutsideText]) -> String {
    let shown = fields.iter().take(MAX_NAMES);
    let mut shown: Vec<_> = shown.map(|name| quoted(name.as_bytes())).collect();
    if let Some(more @ 1..) = fields.len().checked_sub(MAX_NAMES) {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

impl Diagnose for VaultError {
    fn class(&self) -> Class {
        match self {
            Self::Address(_)
            | Self::Namespace(_)
            | Self::NamespaceIgnored { .. }
            | Self::NoAddress
            | Self::SkipVerify => Class::Usage,
            Self::Audit(error) => error.class(),
            Self::Authorities(error) => error.class(),
            Self::Credential(error) => error.class(),
            Self::Denied(_) => Class::Denied,
            Self::Deleted { .. }
            | Self::Forbidden { .. }
            | Self::NoMount { .. }
            | Self::NotVersioned { .. }
            | Self::OtherFields { .. }
            | Self::Overtaken { .. }
            | Self::Refused { .. } => Class::Rejected,
            Self::Internal(_) => Class::Internal,
            Self::Interrupted => Class::Interrupted,
            Self::Malformed
            | Self::Redirected { .. }
            | Self::Sealed
            | Self::Unavailable { .. }
            | Self::Unreachable(_) => Class::Unreachable,
            Self::NoToken => Class::Credential,
            Self::OutcomeUnknown { .. } => Class::OutcomeUnknown,
            Self::ReadBack { .. } => Class::InvalidResult,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address(_) | Self::NoAddress => {
                "set VAULT_ADDR to the vault's address, such as https://vault.example.com:8200"
                    .to_owned()
            }
            Self::Audit(error) => return error.hint(),
            Self::Authorities(error) => return error.hint(),
            Self::Credential(error) => return error.hint(),
            Self::Deleted {
                destroyed: false, ..
            } => {
                "it was deleted on purpose; restore it with vault kv undelete, or push elsewhere with --path".to_owned()
            }
            Self::Deleted { .. } => {
                "it was destroyed on purpose; to start over, run vault kv metadata delete, or push elsewhere with --path"
                    .to_owned()
            }
            Self::Denied(refusal) => return refusal.remedy.clone(),
            Self::Forbidden {
                invalid_token: true,
                ..
            } => "get a new token: vault login".to_owned(),
            Self::Forbidden { target, .. } => format!(
                "the token needs create, read and update on {}; or the mount does not exist",
                match target.split_once('/') {
                    Some((mount, path)) => format!("{mount}/data/{path}"),
                    None => target.clone(),
                }
            ),
            Self::Internal(_) => "this is a fault of tailmint or of the system".to_owned(),
            Self::Interrupted => return None,
            Self::Malformed => "see whether VAULT_ADDR is a vault's address".to_owned(),
            Self::Namespace(_) => "set VAULT_NAMESPACE to a path such as team/lab".to_owned(),
            Self::NamespaceIgnored { .. } => {
                "unset VAULT_NAMESPACE, or use a vault that has namespaces".to_owned()
            }
            Self::NoMount { .. } | Self::NotVersioned { .. } => {
                "give --mount, or enable one: vault secrets enable -path=secret kv-v2".to_owned()
            }
            Self::NoToken => "set VAULT_TOKEN, or run: vault login".to_owned(),
            Self::OtherFields { .. } => {
                "give the client a secret of its own with --path".to_owned()
            }
            Self::OutcomeUnknown { .. } => {
                "push again; if the first write arrived, nothing is written".to_owned()
            }
            Self::Overtaken { .. } => {
                "see who wrote it: vault kv metadata get; then push again".to_owned()
            }
            Self::ReadBack { .. } => "see what is there: vault kv get".to_owned(),
            Self::Redirected { .. } => {
                "redirects are not followed; set VAULT_ADDR to the address of the vault itself".to_owned()
            }
            Self::Refused { .. } => "see the vault's audit log".to_owned(),
            Self::Sealed => {
                "unseal it: vault operator unseal; or, where it is new: vault operator init"
                    .to_owned()
            }
            Self::SkipVerify => {
                "unset it, and set VAULT_CACERT to the authority that signed the certificate"
                    .to_owned()
            }
            Self::Unavailable { .. } => "try again later; nothing was written".to_owned(),
            Self::Unreachable(Failure::Tls {
                certificate: Some(CertificateProblem::IsAuthority),
                ..
            }) => "set VAULT_CACERT to that certificate itself".to_owned(),
            Self::Unreachable(Failure::Tls {
                certificate: Some(CertificateProblem::Time),
                ..
            }) => "see whether this machine's clock is right: date".to_owned(),
            Self::Unreachable(Failure::Tls {
                certificate: Some(_),
                ..
            }) => "set VAULT_CACERT to the authority that signed the certificate".to_owned(),
            Self::Unreachable(_) => {
                "see whether VAULT_ADDR is right and the vault is up".to_owned()
            }
        })
    }
}
