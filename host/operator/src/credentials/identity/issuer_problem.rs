use tailmint_api::OutsideText;
use tailmint_core::Failure;

use super::IssuerDocument;

/// Why Tailscale could not verify a token with what its issuer publishes, as it is seen from
/// this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerProblem {
    /// A document was not to be had.
    #[error("its {document} cannot be fetched: {failure}")]
    Unreachable {
        /// Which.
        document: IssuerDocument,
        /// Why.
        failure: Failure,
    },
    /// There was something else than a success.
    #[error("its {document} at {at} has the status {status}")]
    Status {
        /// Which.
        document: IssuerDocument,
        /// Where it should be.
        at: OutsideText,
        /// The status.
        status: u16,
    },
    /// A document is not what it should be.
    #[error("its {document} {what}")]
    Malformed {
        /// Which.
        document: IssuerDocument,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The discovery document is that of somebody else.
    #[error("its discovery document is that of {says}")]
    OtherIssuer {
        /// Whose it is.
        says: OutsideText,
    },
    /// The key that the token is signed with is not published.
    #[error("none of the keys that it publishes is the token's (kid {key})")]
    NoKey {
        /// The key's id.
        key: OutsideText,
    },
}
