use serde::Deserialize;

use crate::OutsideText;

/// What the JSON says.
///
/// # Errors
/// What is wrong with it, fit to be shown: the parser's own words repeat values.
#[expect(clippy::disallowed_methods, reason = "this is what stands in for it")]
pub fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, OutsideText> {
    serde_json::from_slice(json).map_err(OutsideText::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_repeats_no_key() {
        let wrong = from_json::<u8>(br#""tskey-auth-kX-abc\u001b[2J""#).unwrap_err();
        assert_eq!(
            &*wrong,
            "invalid type: string \"[a key]\\u{1b}[2J\", expected u8 at line 1 column 28"
        );
    }
}
