use std::time::{Duration, Instant};

use super::{MintError, MintErrorKind};

/// When a call is made again, and after which wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first_wait: Duration,
    longest_wait: Duration,
    again: u32,
    /// How much time may have been spent when a network is tried again.
    patience: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            // An API that restarts behind its balancer is back within seconds.
            first_wait: Duration::from_millis(500),
            // A person is waiting: longer delays are reported instead of waited for.
            longest_wait: Duration::from_secs(30),
            // 0.5 + 1 + 2 seconds: longer outages are not waited out.
            again: 3,
            // The resolver and the kernel try again by themselves for longer than this: once
            // more would only be more of the same.
            patience: Duration::from_secs(15),
        }
    }
}

/// The retries of one call.
#[derive(Debug)]
pub(super) struct Retry {
    backoff: Backoff,
    whole: Duration,
    begun: Instant,
    made: u32,
}

impl Backoff {
    /// The retries of a call that has this long in all.
    pub(super) fn start(self, whole: Duration) -> Retry {
        Retry {
            backoff: self,
            whole,
            begun: Instant::now(),
            made: 0,
        }
    }
}

impl Retry {
    /// How long to wait before the next call, where a wait may help: as long as the
    /// server asks for, or else twice as long as before. `None` to give up.
    pub(super) fn next(&mut self, error: &MintError) -> Option<Duration> {
        self.next_at(error, self.begun.elapsed())
    }

    fn next_at(&mut self, error: &MintError, elapsed: Duration) -> Option<Duration> {
        let asked = match &error.kind {
            MintErrorKind::RateLimited { retry_after } => *retry_after,
            MintErrorKind::Transport { retryable: true } if elapsed > self.backoff.patience => {
                return None;
            }
            MintErrorKind::Unavailable | MintErrorKind::Transport { retryable: true } => None,
            _ => return None,
        };
        let wait = asked.unwrap_or(self.backoff.first_wait * 2_u32.saturating_pow(self.made));
        if self.made == self.backoff.again
            || wait > self.backoff.longest_wait
            || elapsed + wait >= self.whole
        {
            return None;
        }
        self.made += 1;
        Some(wait)
    }
}

/// The wait that follows a rate limit which asks for so many seconds, or does not
/// say; `None` where there is none.
#[cfg(feature = "__internals")]
pub fn wait_asked(seconds: Option<u32>, elapsed: Duration) -> Option<Duration> {
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let kind = MintErrorKind::RateLimited { retry_after };
    let mut retry = Backoff::default().start(super::call::RUN_LIMIT);
    retry.next_at(&MintError::new(kind, "", ""), elapsed)
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

    const UNAVAILABLE: MintErrorKind = MintErrorKind::Unavailable;

    #[test]
    fn doubles_its_waits_and_gives_up_after_three() {
        let mut retry = Backoff::default().start(WHOLE);
        for milliseconds in [500, 1000, 2000] {
            assert_eq!(
                retry.next_at(&error(UNAVAILABLE), Duration::ZERO),
                Some(Duration::from_millis(milliseconds))
            );
        }
        assert_eq!(retry.next_at(&error(UNAVAILABLE), Duration::ZERO), None);
    }

    #[test]
    fn a_network_that_took_long_to_fail_is_not_tried_again() {
        let lost = error(MintErrorKind::Transport { retryable: true });
        let after = |seconds| {
            let mut retry = Backoff::default().start(WHOLE);
            retry.next_at(&lost, Duration::from_secs(seconds))
        };
        assert_eq!(after(10), Some(Duration::from_millis(500)));
        assert_eq!(after(16), None);
    }

    #[test]
    fn waits_as_long_as_the_server_asks_up_to_the_limit() {
        for seconds in [0, 2, 30] {
            assert_eq!(
                Backoff::default()
                    .start(WHOLE)
                    .next_at(&limited(seconds), Duration::ZERO),
                Some(Duration::from_secs(seconds))
            );
        }
        for seconds in [31, 86_400] {
            assert_eq!(
                Backoff::default()
                    .start(WHOLE)
                    .next_at(&limited(seconds), Duration::ZERO),
                None
            );
        }
    }

    #[test]
    fn never_waits_past_the_end_of_the_run() {
        let mut retry = Backoff::default().start(WHOLE);
        assert_eq!(
            retry.next_at(&limited(30), Duration::from_secs(29)),
            Some(Duration::from_secs(30))
        );
        assert_eq!(retry.next_at(&limited(30), Duration::from_secs(30)), None);
    }

    #[test]
    fn does_not_call_again_where_a_key_may_exist_or_nothing_would_change() {
        for kind in [
            MintErrorKind::OutcomeUnknown,
            MintErrorKind::InvalidCredential,
            MintErrorKind::Denied { decision: None },
            MintErrorKind::Transport { retryable: false },
        ] {
            let mut retry = Backoff::default().start(WHOLE);
            assert_eq!(retry.next_at(&error(kind), Duration::ZERO), None);
        }
    }
}
