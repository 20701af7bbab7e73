//! The header `Retry-After` (RFC 9110, 10.2.3): a number of seconds, or a date.

use crate::Response;

/// How many seconds the response asks to wait. A date counts from the
/// response's own `Date`, since there is no clock here; one in the past is 0.
pub(crate) fn seconds(response: &Response) -> Option<u32> {
    let value = response.retry_after.as_deref()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // All digits, so the only way to fail is to be too large.
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(response.date.as_deref()?).ok()?;
    let wait = until.duration_since(now).unwrap_or_default();
    Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(retry_after: &str, date: Option<&str>) -> Option<u32> {
        seconds(&Response {
            retry_after: Some(retry_after.to_owned()),
            date: date.map(str::to_owned),
            ..Response::default()
        })
    }

    const NOON: &str = "Tue, 24 Nov 2026 12:00:00 GMT";

    #[test]
    fn reads_seconds() {
        assert_eq!(wait("2", None), Some(2));
        assert_eq!(wait(" 0 ", None), Some(0));
        assert_eq!(wait("99999999999999", None), Some(u32::MAX));
    }

    #[test]
    fn reads_a_date_against_the_servers_own() {
        assert_eq!(wait("Tue, 24 Nov 2026 12:01:30 GMT", Some(NOON)), Some(90));
        assert_eq!(wait("Tue, 24 Nov 2026 11:00:00 GMT", Some(NOON)), Some(0));
        assert_eq!(wait("Tue, 24 Nov 2026 12:01:30 GMT", None), None);
    }

    #[test]
    fn takes_nothing_from_garbage() {
        for garbage in ["", "-1", "+5", "1.5", "soon", "0x10"] {
            assert_eq!(wait(garbage, Some(NOON)), None, "{garbage:?}");
        }
        assert_eq!(seconds(&Response::default()), None);
    }
}
