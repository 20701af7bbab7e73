use std::fmt;

/// One of the two documents of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerDocument {
    /// It says where the keys are.
    Discovery,
    /// The keys (JWKS).
    Keys,
}

impl fmt::Display for IssuerDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::Keys => "key set",
        })
    }
}
