use super::shown::shown;

/// What `tailscale status --json` prints: whatever of it a person may read is fit for it.
pub fn tailscale_status(input: &[u8]) {
    for text in tailmint_operator::fuzz::tailscale_status(input) {
        shown(&text);
    }
}
