use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tailmint_operator::tailscale::Step;

/// Shows what is waited for, on a terminal; nothing elsewhere.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    pub(super) fn new(verbose: bool) -> Self {
        // The lines of --verbose and a spinner would overwrite each other.
        if verbose || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    pub(super) fn show(&self, step: Step) {
        self.0.set_message(match step {
            Step::Looking => "asking tailscaled",
            Step::BringingUp => "bringing the machine up",
            Step::Minting => "minting a key",
            Step::Joining => "waiting for the machine to join",
            Step::Revoking => "revoking the key",
            _ => "working",
        });
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
