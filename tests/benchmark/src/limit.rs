use std::fmt::{self, Display};

/// What `--check` holds a figure to.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    Below(f64),
}

impl Limit {
    /// What was not measured is not a number, and within no limit.
    pub(crate) fn admits(self, figure: f64) -> bool {
        match self {
            Self::AtMost(limit) => figure <= limit,
            Self::Below(limit) => figure < limit,
        }
    }
}

impl Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::Below(limit) => write!(f, "below {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_at_most_admits_the_limit_itself() {
        assert!(Limit::AtMost(1.0).admits(1.0));
        assert!(!Limit::AtMost(1.0).admits(1.001));
        assert!(Limit::Below(1.0).admits(0.999));
        assert!(!Limit::Below(1.0).admits(1.0));
    }

    #[test]
    fn nothing_measured_is_not_admitted() {
        assert!(!Limit::AtMost(1.0).admits(f64::NAN));
        assert!(!Limit::Below(1.0).admits(f64::NAN));
    }
}
