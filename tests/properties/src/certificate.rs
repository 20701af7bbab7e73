use std::time::Duration;

use rustls_pki_types::UnixTime;
use tailmint::internals;

use super::shown::shown;

/// A moment in the year 2026.
const NOW: Duration = Duration::from_hours(498_780);

/// The certificate of a server (DER): what is told of it and of its names is fit to be read,
/// and it is not told that a request may have been sent.
pub fn certificate(input: &[u8]) {
    let now = UnixTime::since_unix_epoch(NOW);
    for failure in internals::certificate(input, tailmint_api::API_HOST, now) {
        shown(&failure.to_string());
        assert!(!failure.may_have_arrived());
    }
}
