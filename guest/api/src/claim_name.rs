use crate::{MAX_CLAIM_NAME_BYTES, begins_like_key, text_type};

text_type! {
    /// The name of a claim that a rule is about, such as `repository_id`. A `.` leads into a
    /// nested claim; a name that has one in it stands in double quotes (Tailscale's page
    /// "Workload identity federation"). 1 to 255 printable ASCII characters without blanks.
    ClaimName, ClaimNameError, |text| {
        if RESERVED.contains(&text) {
            return Err(ClaimNameError::Reserved);
        }
        let fits = (1..=MAX_CLAIM_NAME_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !begins_like_key(text)
            && text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0;
        fits.then_some(()).ok_or(ClaimNameError::Shape)
    }
}

/// Claims that have members of their own (Terraform's provider rejects the same).
const RESERVED: [&str; 3] = ["aud", "iss", "sub"];

/// Why a text is not the name of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimNameError {
    /// It is about what the issuer, the subject or the audience says.
    #[error("aud, iss and sub are the audience, the issuer and the subject: no rule is about them")]
    Reserved,
    /// It has another shape.
    #[error(
        "the name of a claim has 1 to {MAX_CLAIM_NAME_BYTES} printable characters without blanks, and its double quotes come in pairs"
    )]
    Shape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_nested_and_quoted_names() {
        for text in [
            "repository_id",
            "kubernetes.io.namespace",
            "\"open.id\".username",
            "\"https://sts.amazonaws.com/\".org_id",
        ] {
            assert!(text.parse::<ClaimName>().is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_has_a_member_of_its_own_or_is_no_name() {
        for text in RESERVED {
            assert_eq!(text.parse::<ClaimName>(), Err(ClaimNameError::Reserved));
        }
        let long = "c".repeat(MAX_CLAIM_NAME_BYTES + 1);
        for text in ["", "a b", "\"a", "a\n", "\u{e4}", "tskey-api-1", &long] {
            assert_eq!(
                text.parse::<ClaimName>(),
                Err(ClaimNameError::Shape),
                "{text:?}"
            );
        }
    }
}
