//! Answers as api.tailscale.com does.
