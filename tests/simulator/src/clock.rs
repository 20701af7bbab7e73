use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The simulated service's clock: the real one, ahead by as much as tests said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    ahead: Duration,
}

impl Clock {
    pub(crate) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    pub(crate) fn now(self) -> Timestamp {
        after(Timestamp::now(), self.ahead)
    }
}

/// The time so much later.
pub(crate) fn after(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The time in RFC 3339, to the second, as the API writes it.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time as the header `Date` has it (RFC 9110, section 5.6.7).
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
