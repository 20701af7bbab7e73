use std::io::{self, IsTerminal, Write};

use anstream::adapter::strip_str;
use tailmint_api::without_keys;

/// Writes on standard error, where all goes that is no result. Nothing that looks like a
/// key is repeated, wherever it is from.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that writes there"
)]
pub(super) fn aside(text: &str) {
    let plain = strip_str(text).to_string();
    let clean = without_keys(&plain);
    let shown = if clean == plain { text } else { &clean };
    // Where standard error is gone there is nobody to tell.
    let _ = anstream::stderr().lock().write_all(shown.as_bytes());
}

/// Whether somebody watches standard error.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing is written: it is asked what it is"
)]
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
