use std::time::{Duration, Instant};

use super::{MintError, MintErrorKind};

/// When a call is made again, and after which wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    first_wait: Duration,
    longest_wait: Duration,
    again: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // An API that restarts behind its balancer is back within seconds.
            first_wait: Duration::from_millis(500),
            // Someone sits in front of this. What asks for more is told to them.
            longest_wait: Duration::from_secs(30),
            // 0.5 + 1 + 2 seconds: longer outages are not waited out.
            again: 3,
        }
    }
}

/// The waits of one call.
#[derive(Debug)]
pub(super) struct Waits {
    patience: Patience,
    whole: Duration,
    begun: Instant,
    made: u32,
}

/// Whether to call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Again(Duration),
    GiveUp,
}

impl Patience {
    /// The waits of a call that has this long in all.
    pub(super) fn start(self, whole: Duration) -> Waits {
        Waits {
            patience: self,
            whole,
            begun: Instant::now(),
            made: 0,
        }
    }
}

impl Waits {
    /// Whether the error is one that a wait may cure, and how long it is: what
    /// the server asks for, or else twice the one before.
    pub(super) fn next(&mut self, error: &MintError) -> Verdict {
        self.next_at(error, self.begun.elapsed())
    }

    fn next_at(&mut self, error: &MintError, elapsed: Duration) -> Verdict {
        let asked = match &error.kind {
            MintErrorKind::RateLimited { retry_after } => *retry_after,
            MintErrorKind::Unavailable { retryable: true }
            | MintErrorKind::Transport { retryable: true } => None,
            _ => return Verdict::GiveUp,
        };
        let wait = asked.unwrap_or(self.patience.first_wait * 2_u32.saturating_pow(self.made));
        if self.made == self.patience.again
            || wait > self.patience.longest_wait
            || elapsed + wait >= self.whole
        {
            return Verdict::GiveUp;
        }
        self.made += 1;
        Verdict::Again(wait)
    }
}

/// The wait that follows a refusal which asks for so many seconds, or does not
/// say; `None` where there is none.
#[cfg(test)]
pub(crate) fn wait_asked(seconds: Option<u32>, elapsed: Duration) -> Option<Duration> {
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let kind = MintErrorKind::RateLimited { retry_after };
    let mut waits = Patience::default().start(super::call::RUN_LIMIT);
    match waits.next_at(&MintError::new(kind, "", ""), elapsed) {
        Verdict::Again(wait) => Some(wait),
        Verdict::GiveUp => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: MintErrorKind) -> MintError {
        MintError::new(kind, "x", "y")
    }

    fn limited(seconds: u64) -> MintError {
        error(MintErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(seconds)),
        })
    }

    const WHOLE: Duration = Duration::from_mins(1);

    const UNAVAILABLE: MintErrorKind = MintErrorKind::Unavailable { retryable: true };

    #[test]
    fn doubles_its_waits_and_gives_up_after_three() {
        let mut waits = Patience::default().start(WHOLE);
        for milliseconds in [500, 1000, 2000] {
            assert_eq!(
                waits.next_at(&error(UNAVAILABLE), Duration::ZERO),
                Verdict::Again(Duration::from_millis(milliseconds))
            );
        }
        assert_eq!(
            waits.next_at(&error(UNAVAILABLE), Duration::ZERO),
            Verdict::GiveUp
        );
    }

    #[test]
    fn waits_as_long_as_the_server_asks_up_to_the_limit() {
        for seconds in [0, 2, 30] {
            assert_eq!(
                Patience::default()
                    .start(WHOLE)
                    .next_at(&limited(seconds), Duration::ZERO),
                Verdict::Again(Duration::from_secs(seconds))
            );
        }
        for seconds in [31, 86_400] {
            assert_eq!(
                Patience::default()
                    .start(WHOLE)
                    .next_at(&limited(seconds), Duration::ZERO),
                Verdict::GiveUp
            );
        }
    }

    #[test]
    fn never_waits_past_the_end_of_the_run() {
        let mut waits = Patience::default().start(WHOLE);
        assert_eq!(
            waits.next_at(&limited(30), Duration::from_secs(29)),
            Verdict::Again(Duration::from_secs(30))
        );
        assert_eq!(
            waits.next_at(&limited(30), Duration::from_secs(30)),
            Verdict::GiveUp
        );
    }

    #[test]
    fn does_not_call_again_where_a_key_may_exist_or_nothing_would_change() {
        for kind in [
            MintErrorKind::OutcomeUnknown,
            MintErrorKind::InvalidCredential,
            MintErrorKind::Denied,
            MintErrorKind::Unavailable { retryable: false },
            MintErrorKind::Transport { retryable: false },
        ] {
            let mut waits = Patience::default().start(WHOLE);
            assert_eq!(waits.next_at(&error(kind), Duration::ZERO), Verdict::GiveUp);
        }
    }
}
