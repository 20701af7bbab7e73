use std::time::Duration;

/// The time limit as errors name it.
pub fn in_seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_in_seconds() {
        assert_eq!(in_seconds(Duration::from_secs(30)), "30 s");
        assert_eq!(in_seconds(Duration::from_millis(1500)), "1.5 s");
    }
}
