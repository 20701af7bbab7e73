//! This machine's clock beside the API's.

use super::Finding;

/// Clocks that are kept by anything differ by less. An identity token lives for minutes, and
/// one that is about to expire is not sent.
const MOST_SECONDS: u64 = 30;

/// Tells of a difference that tokens of minutes break at, and of no other.
pub(super) fn look(ahead: i64, tell: &mut dyn FnMut(&Finding)) {
    let seconds = ahead.unsigned_abs();
    if seconds <= MOST_SECONDS {
        return;
    }
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    tell(&Finding::warned(
        "clock",
        format!("this machine's clock is {seconds} s {side} the API's"),
        "set it, for example with: timedatectl set-ntp true; tokens that live for minutes are rejected otherwise",
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ahead: i64) -> Option<String> {
        let mut told = None;
        look(ahead, &mut |finding| told = Some(finding.message.clone()));
        told
    }

    #[test]
    fn a_clock_that_tokens_break_at_is_told_with_its_side() {
        for ahead in [0, 1, -1, 30, -30] {
            assert_eq!(told(ahead), None, "{ahead}");
        }
        for (ahead, message) in [
            (31, "this machine's clock is 31 s behind the API's"),
            (-31, "this machine's clock is 31 s ahead of the API's"),
            (
                i64::MIN,
                "this machine's clock is 9223372036854775808 s ahead of the API's",
            ),
        ] {
            assert_eq!(told(ahead).as_deref(), Some(message));
        }
    }
}
