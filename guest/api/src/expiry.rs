use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::MAX_EXPIRY_SECONDS;

/// How long an auth key joins machines: 1 second to 90 days, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expiry(u32);

impl Expiry {
    /// One hour: long enough for a machine to boot and join, short enough that
    /// a key that is lost is soon worth nothing.
    pub const DEFAULT: Self = Self(3600);

    /// In seconds.
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

impl FromStr for Expiry {
    type Err = ExpiryError;

    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let duration = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => humantime::parse_duration(text).map_err(|_| ExpiryError::Shape)?,
        };
        if duration.subsec_nanos() != 0 {
            return Err(ExpiryError::Shape);
        }
        match u32::try_from(duration.as_secs()) {
            Ok(seconds @ 1..=MAX_EXPIRY_SECONDS) => Ok(Self(seconds)),
            _ => Err(ExpiryError::Range),
        }
    }
}

impl TryFrom<String> for Expiry {
    type Error = ExpiryError;

    fn try_from(text: String) -> Result<Self, ExpiryError> {
        text.parse()
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.to_string()
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(Duration::from_secs(self.0.into())).fmt(f)
    }
}

/// Why a text is not an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpiryError {
    /// It is too short or too long.
    #[error("an auth key lives for 1 second to 90 days")]
    Range,
    /// It is not a duration.
    #[error("give a duration in whole seconds, such as 1h, 90m or 3600")]
    Shape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_durations_and_plain_seconds() {
        for (text, seconds) in [
            ("1h", 3600),
            ("90m", 5400),
            ("3600", 3600),
            ("90d", MAX_EXPIRY_SECONDS),
            ("1", 1),
        ] {
            assert_eq!(text.parse::<Expiry>().unwrap().as_secs(), seconds, "{text}");
        }
        assert_eq!("5400".parse::<Expiry>().unwrap().to_string(), "1h 30m");
    }

    #[test]
    fn refuses_what_is_out_of_range_or_no_duration() {
        for text in ["0", "0s", "91d", "7776001", "99999999999999999999d"] {
            assert!(text.parse::<Expiry>().is_err(), "{text}");
        }
        assert_eq!("7776001".parse::<Expiry>(), Err(ExpiryError::Range));
        for text in ["", "soon", "-1h", "500ms", "1 hour and a half"] {
            assert_eq!(text.parse::<Expiry>(), Err(ExpiryError::Shape), "{text}");
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        let hour = Expiry::DEFAULT;
        assert_eq!(String::from(hour), "1h");
        assert_eq!(Expiry::try_from("1h".to_owned()), Ok(hour));
    }
}
