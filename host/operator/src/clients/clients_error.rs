use std::path::PathBuf;

use crate::credentials::CredentialError;
use tailmint::{Class, Diagnose, KeyId, MintError};
use tailmint_api::OutsideText;

/// Why an OAuth client was not created, rotated or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientsError {
    /// The API rejected a request, or the policy denied it.
    #[error(transparent)]
    Api(MintError),
    /// The tailnet that was asked has no such client, and the client works: it is of another
    /// tailnet.
    #[error(
        "there is no OAuth client {id} in this tailnet, but it still gets tokens; its files are unchanged"
    )]
    Elsewhere {
        /// The client.
        id: KeyId,
    },
    /// The credentials of a client are in the store already. They may be of one that works.
    #[error("{} exists already", path.display())]
    EncryptedAlready {
        /// The file.
        path: PathBuf,
    },
    /// `systemd-creds` did not encrypt a credential.
    #[error("systemd-creds does not encrypt: {words}")]
    Encryption {
        /// What it said, or how it ended.
        words: OutsideText,
    },
    /// The files cannot be used.
    #[error(transparent)]
    Files(CredentialError),
    /// What is to be imported is not what Terraform prints.
    #[error("this is not what terraform output -json prints: {0}")]
    Import(String),
    /// There is no program that encrypts.
    #[error("there is no systemd-creds in $PATH")]
    NoEncryption,
    /// The new secret is in its file, and the rename of the new id failed. The files name
    /// the new client, for tailmint: it reads the id from where it was written.
    #[error(
        "OAuth client {id} is saved, but its id could not be moved to {}: {detail}{}",
        path.display(),
        kept(old.as_ref())
    )]
    OneStepLeft {
        /// The new client.
        id: KeyId,
        /// The one that it replaces, which lives on.
        old: Option<KeyId>,
        /// The file of the id.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Two profiles have the same name in Terraform.
    #[error("profiles {:?} and {:?} are both {name} in Terraform", profiles[0], profiles[1])]
    SameName {
        /// The two profiles.
        profiles: [String; 2],
        /// The name there.
        name: String,
    },
    /// The store of encrypted credentials cannot be written to.
    #[error("{} cannot be written: {detail}", path.display())]
    Store {
        /// The file, or the directory.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A client was created that cannot be used: it is deleted, or named here.
    #[error("{cause}; OAuth client {id} was created, and {}", fate(*.deleted))]
    Undone {
        /// The client.
        id: KeyId,
        /// Whether it could be deleted.
        deleted: bool,
        /// What went wrong with it.
        cause: Box<ClientsError>,
    },
    /// A new client cannot do what the profile says.
    #[error("the new OAuth client cannot grant {0}")]
    Unfit(String),
}

fn kept(old: Option<&KeyId>) -> String {
    old.map_or_else(String::new, |id| {
        format!("; OAuth client {id} has not been deleted")
    })
}

fn fate(deleted: bool) -> &'static str {
    if deleted {
        "has been deleted"
    } else {
        "could not be deleted"
    }
}

impl From<CredentialError> for ClientsError {
    fn from(error: CredentialError) -> Self {
        Self::Files(error)
    }
}

impl From<MintError> for ClientsError {
    fn from(error: MintError) -> Self {
        Self::Api(error)
    }
}

impl Diagnose for ClientsError {
    fn class(&self) -> Class {
        match self {
            Self::Api(error) => error.class(),
            Self::Files(error) => error.class(),
            Self::Elsewhere { .. }
            | Self::EncryptedAlready { .. }
            | Self::Encryption { .. }
            | Self::OneStepLeft { .. }
            | Self::Store { .. } => Class::Credential,
            Self::Import(_) | Self::NoEncryption | Self::SameName { .. } => Class::Usage,
            Self::Undone { cause, .. } => cause.class(),
            Self::Unfit(_) => Class::Rejected,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::Elsewhere { .. } => {
                Some("see whose tailnet the credential and TAILSCALE_TAILNET are for".to_owned())
            }
            Self::EncryptedAlready { .. } => Some(
                "a unit may use the client in it; to write another one over it, give --replace".to_owned(),
            ),
            Self::Encryption { .. } => Some(
                "run it as root, and see whether systemd-creds works: systemd-creds setup".to_owned(),
            ),
            Self::NoEncryption => Some(
                "it is part of systemd since version 250; without it, leave --systemd out, and give the unit files that root alone may read".to_owned(),
            ),
            Self::Store { path, .. } => Some(format!(
                "see who may write there, and whether there is room: {}",
                path.display()
            )),
            Self::OneStepLeft { path, .. } => Some(format!(
                "see what keeps {} from being replaced; the next tailmint clients command moves the id there",
                path.display()
            )),
            Self::Import(_) => Some(
                "run: terraform output -json, with the outputs of tailmint clients terraform"
                    .to_owned(),
            ),
            Self::SameName { .. } => {
                Some("give one of them a name that differs in letters and digits".to_owned())
            }
            Self::Undone {
                id, deleted: false, ..
            } => Some(format!("delete it: tailmint clients delete --id {id}")),
            Self::Undone { cause, .. } => cause.hint(),
            Self::Unfit(_) => Some(
                "see whether the scopes and tags of the profile exist in the tailnet".to_owned(),
            ),
        }
    }
}
