use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tailmint_operator::tailscale::{Networking, Step};

use crate::{aside::is_watched, limits::has_thread, trace::Trace};

/// Shows what is waited for, on a terminal; nothing elsewhere.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    pub(super) fn new(verbose: bool) -> Self {
        // The lines of --verbose and a spinner would overwrite each other.
        if verbose || !is_watched() || !has_thread() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(super) fn show(&self, step: Step) {
        if let Step::StartedDaemon(networking) = step {
            self.0.suspend(|| Trace::note(started(networking)));
            return;
        }
        self.0.set_message(match step {
            Step::Looking => "asking tailscaled",
            Step::StartingDaemon => "starting tailscaled",
            Step::WaitingForDaemon => "waiting for tailscaled, which does not listen yet",
            Step::Settling => "waiting for tailscaled to find its network",
            Step::Setting => "changing the settings of the machine",
            Step::BringingUp => "bringing the machine up",
            Step::Minting => "minting a key",
            Step::Joining => "waiting for the machine to join",
            Step::Revoking => "revoking the key",
            _ => "working",
        });
    }
}

pub(super) fn started(networking: Networking) -> &'static str {
    match networking {
        Networking::Tun => "started tailscaled, with a network interface",
        Networking::Userspace => {
            "started tailscaled, with userspace networking: there is no /dev/net/tun that can be used"
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
