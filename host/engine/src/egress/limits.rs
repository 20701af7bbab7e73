use std::time::Duration;

/// How long each step on the way to a response may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    /// Resolving the name and connecting, together.
    pub(super) reach: Duration,
    pub(super) tls: Duration,
    pub(super) response: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A C library asks two name servers twice each, and waits 5 s each time: where
            // only the last question gets through, this long, and then 5 s to connect,
            // which two retransmissions of a lost packet (1 s, then 2 s) fit in. One limit
            // for both, since a fast resolver leaves its time to a slow network.
            reach: Duration::from_secs(25),
            // Two round trips, by satellite and with a packet lost, and a signature.
            // `wasmtime-wasi-http`'s own client has no limit here, so that a silent server
            // would hold it for ever.
            tls: Duration::from_secs(10),
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
            reach: usual.reach.min(most),
            tls: usual.tls.min(most),
            response: usual.response.min(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_takes_longer_than_the_most_nor_than_usual() {
        let usual = Limits::default();
        assert_eq!(Limits::at_most(Duration::from_hours(1)), usual);
        let second = Duration::from_secs(1);
        let short = Limits::at_most(second);
        assert_eq!([short.reach, short.tls, short.response], [second; 3]);
    }
}
