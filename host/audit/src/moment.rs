use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A moment as people read it: in UTC, to the second. In JSON it is as RFC 3339 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// The moment of the entry, where its time is one.
    pub fn of(entry: &crate::Record) -> Option<Self> {
        entry.text("time").parse().ok().map(Self)
    }

    /// So many seconds later, and no later than a time can be.
    pub(crate) fn after(self, seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let later = self.0.checked_add(jiff::SignedDuration::from_secs(seconds));
        Self(later.unwrap_or(Timestamp::MAX))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As RFC 3339 has it. What formats times by a pattern would be 15 KB of the program.
        let text = self.0.to_string();
        let (date, time) = text.split_once('T').unwrap_or((&text, ""));
        write!(f, "{date} {}", time.get(..8).unwrap_or(time))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string().replace(' ', "T");
        serializer.collect_str(&format_args!("{text}Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_said_to_people_and_to_programs() {
        let moment = Moment("2026-11-24T13:21:53.123456Z".parse().unwrap());
        assert_eq!(moment.to_string(), "2026-11-24 13:21:53");
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, "\"2026-11-24T13:21:53Z\"");
        assert_eq!(moment.after(7).to_string(), "2026-11-24 13:22:00");
        assert_eq!(moment.after(u64::MAX), Moment(Timestamp::MAX));
    }
}
