/// Whose shapes the answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Those of Headscale's development version.
    Headscale,
    /// Those of api.tailscale.com.
    Tailscale,
}

impl Dialect {
    /// What its keys and secrets begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Headscale => "hskey",
            Self::Tailscale => "tskey",
        }
    }

    /// A new id: `k`, letters and digits, `CNTRL`; Headscale's are hexadecimal.
    pub(crate) fn id(self) -> String {
        match self {
            Self::Headscale => random(12),
            Self::Tailscale => format!("k{}CNTRL", random(11)),
        }
    }
}

/// The tailnet's part of the ids of federated identities.
const TAILNET: &str = "T7simuLaTor11CNTRL";

/// A new id of a federated identity: the tailnet's part, a hyphen, and an id as other keys
/// have one.
pub(crate) fn federated_id() -> String {
    format!("{TAILNET}-{}", Dialect::Tailscale.id())
}

/// So many random lower-case letters and digits.
pub(crate) fn random(count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}
