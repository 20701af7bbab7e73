use crate::{MAX_DESCRIPTION_BYTES, is_description, text_type};

text_type! {
    /// What the admin console shows beside a key: 1 to 50 letters, digits, hyphens and
    /// spaces, without spaces at either end.
    Description, DescriptionError, |text| {
        let fits = is_description(text) && !text.is_empty() && text.trim() == text;
        fits.then_some(()).ok_or(DescriptionError)
    }
}

/// A text that is not a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a description has 1 to {MAX_DESCRIPTION_BYTES} letters, digits, hyphens and spaces, and neither begins nor ends with a space"
)]
pub struct DescriptionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_limit_and_refuses_one_beyond() {
        assert!("build 7-b".parse::<Description>().is_ok());
        assert!(
            "d".repeat(MAX_DESCRIPTION_BYTES)
                .parse::<Description>()
                .is_ok()
        );
        for text in [
            "",
            " a",
            "a ",
            "a_b",
            "a/b",
            "ü",
            "a\nb",
            &"d".repeat(MAX_DESCRIPTION_BYTES + 1),
        ] {
            assert!(text.parse::<Description>().is_err(), "{text:?}");
        }
    }
}
