use std::collections::BTreeMap;

use jiff::{Timestamp, civil::date, tz::TimeZone};
use serde::Serialize;

use crate::Moment;

/// So many parts of the time are told apart: what a chart has room for. Five days are told
/// by the hour, four months by the day, ten years by the month.
const MOST_PARTS: i64 = 124;

/// What happened over time, in parts that are equal for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Timeline {
    /// How long a part is.
    pub unit: Unit,
    /// The parts in their order, from the first to the last of the report's time, also those
    /// in which nothing happened.
    pub parts: Vec<Part>,
}

/// How long the parts of a timeline are. Each has whole ones of the unit before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// What happened in one part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Part {
    /// When it begins.
    pub begins: Moment,
    /// What happened in it.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What is counted over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Counts {
    /// Keys that were minted.
    pub minted: u64,
    /// Keys, clients and identities that were revoked or deleted.
    pub ended: u64,
    /// Requests that the policy allowed.
    pub allowed: u64,
    /// Requests that a report-only policy would have denied.
    pub reported: u64,
    /// Requests that the policy denied.
    pub denied: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.minted += other.minted;
        self.ended += other.ended;
        self.allowed += other.allowed;
        self.reported += other.reported;
        self.denied += other.denied;
    }
}

impl Unit {
    fn next(self) -> Option<Self> {
        match self {
            Self::Hour => Some(Self::Day),
            Self::Day => Some(Self::Month),
            Self::Month => Some(Self::Year),
            Self::Year => None,
        }
    }

    /// The number of the part that the moment is in: later ones have larger numbers.
    fn number(self, moment: Timestamp) -> i64 {
        let second = moment.as_second();
        match self {
            Self::Hour => second.div_euclid(3600),
            Self::Day => second.div_euclid(86_400),
            Self::Month | Self::Year => {
                let date = TimeZone::UTC.to_datetime(moment).date();
                let year = i64::from(date.year());
                match self {
                    Self::Year => year,
                    _ => year * 12 + i64::from(date.month()) - 1,
                }
            }
        }
    }

    /// When the part of this number begins.
    fn begin(self, number: i64) -> Timestamp {
        let seconds = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN);
        let of = |year: i64, month: i64| {
            let (year, month) = (i16::try_from(year), i8::try_from(month));
            let day = date(year.unwrap_or_default(), month.unwrap_or(1), 1);
            let begin = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0));
            begin.unwrap_or(Timestamp::MIN)
        };
        match self {
            Self::Hour => seconds(number.saturating_mul(3600)),
            Self::Day => seconds(number.saturating_mul(86_400)),
            Self::Month => of(number.div_euclid(12), number.rem_euclid(12) + 1),
            Self::Year => of(number, 1),
        }
    }
}

/// A timeline while a log is read: its parts grow with the time that it covers.
pub(super) struct Drawn {
    unit: Unit,
    parts: BTreeMap<i64, Counts>,
    span: Option<(Timestamp, Timestamp)>,
}

impl Default for Drawn {
    fn default() -> Self {
        Self {
            unit: Unit::Hour,
            parts: BTreeMap::new(),
            span: None,
        }
    }
}

impl Drawn {
    /// Covers this moment too, whether anything happened then or not.
    pub(super) fn cover(&mut self, moment: Moment) {
        let moment = moment.0;
        let (first, last) = self.span.unwrap_or((moment, moment));
        if self.span.is_some() && (first..=last).contains(&moment) {
            return;
        }
        let (first, last) = (first.min(moment), last.max(moment));
        self.span = Some((first, last));
        while self.length(first, last) > MOST_PARTS {
            let Some(unit) = self.unit.next() else { break };
            let parts = std::mem::take(&mut self.parts);
            for (number, counts) in parts {
                let begin = self.unit.begin(number);
                self.parts
                    .entry(unit.number(begin))
                    .or_default()
                    .add(counts);
            }
            self.unit = unit;
        }
    }

    fn length(&self, first: Timestamp, last: Timestamp) -> i64 {
        self.unit.number(last) - self.unit.number(first) + 1
    }

    pub(super) fn add(&mut self, moment: Moment, counts: Counts) {
        self.cover(moment);
        let number = self.unit.number(moment.0);
        self.parts.entry(number).or_default().add(counts);
    }

    /// The last parts, where there are more years than a chart has room for.
    pub(super) fn finish(self) -> Timeline {
        let numbers = self.span.map(|(first, last)| {
            let (first, last) = (self.unit.number(first), self.unit.number(last));
            first.max(last - MOST_PARTS + 1)..=last
        });
        let parts = numbers.into_iter().flatten().map(|number| Part {
            begins: Moment(self.unit.begin(number)),
            counts: self.parts.get(&number).copied().unwrap_or_default(),
        });
        Timeline {
            unit: self.unit,
            parts: parts.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment(text.parse().unwrap())
    }

    fn one() -> Counts {
        Counts {
            minted: 1,
            ..Counts::default()
        }
    }

    fn drawn(moments: &[&str]) -> Timeline {
        let mut drawn = Drawn::default();
        for text in moments {
            drawn.add(moment(text), one());
        }
        drawn.finish()
    }

    fn some(timeline: &Timeline) -> Vec<(String, u64)> {
        let parts = timeline.parts.iter().filter(|it| it.counts.minted > 0);
        parts
            .map(|it| (it.begins.to_string(), it.counts.minted))
            .collect()
    }

    #[test]
    fn parts_grow_with_the_time_that_they_cover_and_lose_nothing() {
        let mut moments = vec!["2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"];
        let found = drawn(&moments);
        assert_eq!((found.unit, found.parts.len()), (Unit::Hour, 2));
        moments.push("2026-02-10T12:00:00Z");
        let found = drawn(&moments);
        assert_eq!((found.unit, found.parts.len()), (Unit::Day, 11));
        assert_eq!(
            some(&found),
            [
                ("2026-01-31 00:00:00".to_owned(), 1),
                ("2026-02-01 00:00:00".to_owned(), 1),
                ("2026-02-10 00:00:00".to_owned(), 1),
            ]
        );
        moments.push("2025-07-01T00:00:00Z");
        let found = drawn(&moments);
        assert_eq!((found.unit, found.parts.len()), (Unit::Month, 8));
        assert_eq!(some(&found)[2], ("2026-02-01 00:00:00".to_owned(), 2));
        moments.push("1969-12-31T23:59:59Z");
        let found = drawn(&moments);
        assert_eq!((found.unit, found.parts.len()), (Unit::Year, 58));
        assert_eq!(some(&found)[0], ("1969-01-01 00:00:00".to_owned(), 1));
        // More years than a chart has room for.
        moments.push("-009999-06-01T00:00:00Z");
        let found = drawn(&moments);
        assert_eq!(found.parts.len(), usize::try_from(MOST_PARTS).unwrap());
        assert_eq!(some(&found).len(), 3);
    }

    #[test]
    fn time_in_which_nothing_happened_is_covered_too() {
        let mut line = Drawn::default();
        line.cover(moment("2026-11-01T00:00:00Z"));
        line.cover(moment("2026-11-30T00:00:00Z"));
        line.add(moment("2026-11-12T07:00:00Z"), one());
        let found = line.finish();
        assert_eq!((found.unit, found.parts.len()), (Unit::Day, 30));
        assert_eq!(some(&found), [("2026-11-12 00:00:00".to_owned(), 1)]);
        assert_eq!(Drawn::default().finish().parts, []);
    }

    #[test]
    fn what_is_counted_is_added_up() {
        let all = Counts {
            minted: 1,
            ended: 2,
            allowed: 3,
            reported: 4,
            denied: 5,
        };
        let mut sum = all;
        sum.add(all);
        let twice = [sum.minted, sum.ended, sum.allowed, sum.reported, sum.denied];
        assert_eq!(twice, [2, 4, 6, 8, 10]);
    }
}
