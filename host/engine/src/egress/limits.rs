use std::time::Duration;

/// How long each step on the way to a response may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(super) resolve: Duration,
    pub(super) connect: Duration,
    pub(super) tls: Duration,
    pub(super) response: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A resolver that is slower than this is broken, not slow.
            resolve: Duration::from_secs(3),
            // Two retransmissions of a lost first packet (1 s, then 2 s) fit in it.
            connect: Duration::from_secs(5),
            // Two round trips and a signature. `wasmtime-wasi-http`'s own client
            // has no limit here, so that a silent server would hold it for ever.
            tls: Duration::from_secs(5),
            // From the first byte of the request to the last of the response.
            // Responses that were seen took well under a second.
            response: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The usual ones, none longer than this.
    pub fn at_most(most: Duration) -> Self {
        let usual = Self::default();
        Self {
            resolve: usual.resolve.min(most),
            connect: usual.connect.min(most),
            tls: usual.tls.min(most),
            response: usual.response.min(most),
        }
    }
}
