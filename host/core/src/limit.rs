use std::time::Duration;

/// The time limit as errors name it.
pub fn in_seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}
