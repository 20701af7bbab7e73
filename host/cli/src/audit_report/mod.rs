//! The report of an audit log, for people who look rather than read.

mod chart;
mod page;
mod text;
mod verdict;

pub(crate) use page::{is_page, page};
pub(crate) use text::text;

use tailmint_audit::Moment;

/// The number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, in words: `1 key`, `2,000 keys`.
fn count(number: u64, one: &str, many: &str) -> String {
    let what = if number == 1 { one } else { many };
    format!("{} {what}", grouped(number))
}

/// From when to when the report is.
fn period(report: &tailmint_audit::Report) -> String {
    let until = report.until;
    match report.since.or(report.first) {
        Some(since) => format!("{since} to {until} UTC"),
        None => format!("up to {until} UTC"),
    }
}

/// The moment without its seconds.
fn to_the_minute(moment: Moment) -> String {
    let text = moment.to_string();
    text.rsplit_once(':')
        .map_or(text.clone(), |(rest, _)| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(count(1, "key", "keys"), "1 key");
        assert_eq!(count(2000, "key", "keys"), "2,000 keys");
    }
}
