use std::time::{Duration, Instant};

/// How long joining may take, all waiting included. It runs from the moment it is begun.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    whole: Duration,
    daemon: Duration,
    begun: Instant,
}

/// What joining may take where nobody says otherwise.
const USUAL: Duration = Duration::from_mins(2);

/// What the daemon may take to listen where nobody says otherwise: a machine without one
/// is told so while the user still looks.
const USUAL_FOR_DAEMON: Duration = Duration::from_secs(10);

impl TimeLimit {
    /// Two minutes, of which a daemon that does not listen yet has ten seconds.
    pub fn usual() -> Self {
        Self {
            daemon: USUAL_FOR_DAEMON,
            ..Self::begin(USUAL)
        }
    }

    /// This long for everything, a daemon that starts later included.
    pub fn begin(whole: Duration) -> Self {
        Self {
            whole,
            daemon: whole,
            begun: Instant::now(),
        }
    }

    /// The limit as a whole.
    pub fn whole(&self) -> Duration {
        self.whole
    }

    /// What is left of it, and never so little that a child process cannot even begin.
    pub(super) fn left(&self) -> Duration {
        const LEAST: Duration = Duration::from_secs(1);
        self.whole.saturating_sub(self.begun.elapsed()).max(LEAST)
    }

    pub(super) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.whole
    }

    /// Whether a daemon that does not listen has been waited for long enough.
    pub(super) fn is_over_for_daemon(&self) -> bool {
        self.begun.elapsed() >= self.daemon
    }
}
