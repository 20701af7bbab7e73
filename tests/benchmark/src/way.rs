use std::{io, net::SocketAddr, time::Duration};

use crate::relay::Relay;

/// What TLS 1.3 and two requests need; the TCP handshake is not delayed.
pub(crate) const ROUND_TRIPS: f64 = 3.0;

/// There and back on the longest way.
pub(crate) const FAR_ROUND_TRIP_MS: f64 = 80.0;

/// How the API is reached.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) to: SocketAddr,
    pub(crate) relay: Option<Relay>,
}

impl Way {
    /// On loopback, and through relays that delay each direction.
    pub(crate) fn all(api: SocketAddr) -> io::Result<[Self; 3]> {
        let delayed = |name, milliseconds| -> io::Result<Self> {
            let relay = Relay::start(Duration::from_millis(milliseconds), api)?;
            Ok(Self {
                name,
                to: relay.address,
                relay: Some(relay),
            })
        };
        Ok([
            Self {
                name: "loopback",
                to: api,
                relay: None,
            },
            delayed("10 ms each way", 10)?,
            delayed("40 ms each way", 40)?,
        ])
    }

    pub(crate) fn round_trips(&self) -> usize {
        self.relay.as_ref().map_or(0, Relay::round_trips)
    }
}
