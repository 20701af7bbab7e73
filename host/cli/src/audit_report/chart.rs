//! The drawings of the report: columns over time, bars and spans. Each is beside the
//! numbers that it shows.

use jiff::tz::TimeZone;
use maud::{Markup, html};
use tailmint_audit::{
    Moment,
    report::{Counts, Timeline, Unit},
};

use super::{grouped, to_the_minute};

/// The size of a panel, in units of its own.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 10.0;
const PLOT: f64 = 84.0;
const LABELS: f64 = 20.0;

/// So many times are written below a panel.
const MOST_LABELS: usize = 8;

/// No column is wider.
const MOST_WIDTH: f64 = 34.0;

/// Columns over time of one of the counts.
pub(super) fn columns(
    timeline: &Timeline,
    class: &str,
    title: &str,
    of: impl Fn(&Counts) -> u64,
) -> Markup {
    let parts = &timeline.parts;
    let most = parts.iter().map(|part| of(&part.counts)).max();
    let most = most.unwrap_or_default();
    let top = round_up(most);
    let step = (WIDTH - LEFT) / parts.len().max(1) as f64;
    let width = (step * 0.78).min(MOST_WIDTH);
    let height_of = |number: u64| PLOT * number as f64 / top.max(1) as f64;
    let floor = TOP + PLOT;
    let every = parts.len().div_ceil(MOST_LABELS).max(1);
    let middle = |index: usize| LEFT + step * (index as f64 + 0.5);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", floor + LABELS)) role="img" aria-label=(title) {
            @if most > 0 {
                @for number in lines(top) {
                    @let y = floor - height_of(number);
                    line .grid x1=(LEFT) x2=(WIDTH) y1=(round(y)) y2=(round(y)) {}
                    text x=(LEFT - 8.0) y=(round(y + 4.0)) text-anchor="end" { (grouped(number)) }
                }
            }
            @for (index, part) in parts.iter().enumerate() {
                @let number = of(&part.counts);
                @if number > 0 {
                    // A few of many are seen too.
                    @let height = height_of(number).max(2.0);
                    rect class=(class) x=(round(middle(index) - width / 2.0))
                        y=(round(floor - height)) width=(round(width)) height=(round(height)) rx="1.5" {
                        title { (name(timeline.unit, part.begins)) ": " (grouped(number)) }
                    }
                }
            }
            line .base x1=(LEFT) x2=(WIDTH) y1=(floor) y2=(floor) {}
            @for (index, part) in parts.iter().enumerate().step_by(every) {
                text x=(round(middle(index))) y=(floor + 15.0) text-anchor="middle" {
                    (tick(timeline.unit, part.begins))
                }
            }
        }
    }
}

/// The part of the time in words.
pub(super) fn name(unit: Unit, begins: Moment) -> String {
    let text = begins.to_string();
    let end = match unit {
        Unit::Hour => 16,
        Unit::Day => 10,
        Unit::Month => 7,
        Unit::Year => 4,
    };
    text.get(..end).unwrap_or(&text).to_owned()
}

/// The same in short, for an axis.
fn tick(unit: Unit, begins: Moment) -> String {
    let at = TimeZone::UTC.to_datetime(begins.0);
    let month = usize::try_from(at.month() - 1).unwrap_or_default();
    let month = MONTHS.get(month).copied().unwrap_or_default();
    match unit {
        Unit::Hour => format!("{} {month} {:02}:00", at.day(), at.hour()),
        Unit::Day => format!("{} {month}", at.day()),
        Unit::Month => format!("{month} {}", at.year()),
        Unit::Year => at.year().to_string(),
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A bar as long as the number beside the largest. The number stands in the same row.
pub(super) fn bar(class: &str, number: u64, most: u64) -> Markup {
    let length = 200.0 * number as f64 / most.max(1) as f64;
    let length = if number > 0 { length.max(2.0) } else { 0.0 };
    html! {
        svg viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true" {
            rect .track width="200" height="14" rx="2" {}
            rect class=(class) width=(round(length)) height="14" rx="2" {}
        }
    }
}

/// A span of time within that of the report. Its ends stand in the same row.
pub(super) fn span(class: &str, whole: (Moment, Moment), first: Moment, last: Moment) -> Markup {
    let (begin, end) = (whole.0.0.as_second(), whole.1.0.as_second());
    let length = (end - begin).max(1) as f64;
    let at = |moment: Moment| {
        let seconds = moment.0.as_second().clamp(begin, end.max(begin)) - begin;
        200.0 * seconds as f64 / length
    };
    let width = (at(last) - at(first)).max(2.0);
    let x = at(first).min(200.0 - width);
    html! {
        svg viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true" {
            rect .track y="6" width="200" height="2" {}
            rect class=(class) x=(round(x)) y="2" width=(round(width)) height="10" rx="2" {}
        }
    }
}

/// From when to when, to the minute.
pub(super) fn ends(first: Moment, last: Moment) -> String {
    format!("{} to {}", to_the_minute(first), to_the_minute(last))
}

/// The numbers at which a line is drawn: the top, and its half where that is whole.
fn lines(top: u64) -> Vec<u64> {
    if top.is_multiple_of(2) {
        vec![top / 2, top]
    } else {
        vec![top]
    }
}

/// The next number of the kind 1, 2, 4, 6, 8, 10, 20, 40 and so on.
fn round_up(number: u64) -> u64 {
    let mut scale: u64 = 1;
    loop {
        for digit in [1, 2, 4, 6, 8] {
            let top = scale.saturating_mul(digit);
            if top >= number {
                return top;
            }
        }
        scale = scale.saturating_mul(10);
        if scale == u64::MAX {
            return scale;
        }
    }
}

/// To a tenth: what is finer is not seen.
fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (number, top) in [
            (0, 1),
            (1, 1),
            (3, 4),
            (5, 6),
            (9, 10),
            (11, 20),
            (21, 40),
            (81, 100),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(round_up(number), top, "{number}");
        }
        assert_eq!(lines(1), [1]);
        assert_eq!(lines(10), [5, 10]);
    }

    #[test]
    fn a_part_of_the_time_is_named_by_its_unit() {
        let begins = Moment("2026-11-04T07:00:00Z".parse().unwrap());
        for (unit, whole, short) in [
            (Unit::Hour, "2026-11-04 07:00", "4 Nov 07:00"),
            (Unit::Day, "2026-11-04", "4 Nov"),
            (Unit::Month, "2026-11", "Nov 2026"),
            (Unit::Year, "2026", "2026"),
        ] {
            assert_eq!(name(unit, begins), whole);
            assert_eq!(tick(unit, begins), short);
        }
        let first = Moment("2026-01-31T23:00:00Z".parse().unwrap());
        assert_eq!(tick(Unit::Day, first), "31 Jan");
        let last = Moment("2026-12-31T23:00:00Z".parse().unwrap());
        assert_eq!(tick(Unit::Day, last), "31 Dec");
    }

    #[test]
    fn a_span_outside_of_the_time_stays_within_its_drawing() {
        let at = |text: &str| Moment(text.parse().unwrap());
        let whole = (at("2026-11-01T00:00:00Z"), at("2026-11-11T00:00:00Z"));
        let drawn = |first, last| span("x", whole, at(first), at(last)).into_string();
        let half = drawn("2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z");
        assert!(half.contains(r#"x="0" y="2" width="100""#), "{half}");
        let before = drawn("2025-11-01T00:00:00Z", "2027-11-06T00:00:00Z");
        assert!(before.contains(r#"x="0" y="2" width="200""#), "{before}");
        let after = drawn("2027-11-01T00:00:00Z", "2027-11-06T00:00:00Z");
        assert!(after.contains(r#"x="198" y="2" width="2""#), "{after}");
        // All at one moment.
        let moment = (whole.0, whole.0);
        let one = span("x", moment, whole.0, whole.0).into_string();
        assert!(one.contains(r#"x="0" y="2" width="2""#), "{one}");
    }
}
