use super::Operation;
use crate::{KeyId, KeyProperties, Tailnet};

/// What the caller asked for, as the policy sees it: requests are held against
/// it word by word, so that a component cannot do something else instead.
#[derive(Clone, Debug)]
pub(crate) enum Intent {
    /// Read the auth key.
    Get { tailnet: Tailnet, id: KeyId },
    /// Make an auth key with these properties.
    Mint {
        tailnet: Tailnet,
        properties: KeyProperties,
    },
    /// Revoke the auth key.
    Revoke { tailnet: Tailnet, id: KeyId },
}

impl Intent {
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Get { .. } => Operation::Get,
            Self::Mint { .. } => Operation::Mint,
            Self::Revoke { .. } => Operation::Revoke,
        }
    }

    pub(crate) fn tailnet(&self) -> &Tailnet {
        match self {
            Self::Get { tailnet, .. }
            | Self::Mint { tailnet, .. }
            | Self::Revoke { tailnet, .. } => tailnet,
        }
    }

    /// The key that it is about, where it is about one.
    pub(crate) fn id(&self) -> Option<&KeyId> {
        match self {
            Self::Get { id, .. } | Self::Revoke { id, .. } => Some(id),
            Self::Mint { .. } => None,
        }
    }
}
