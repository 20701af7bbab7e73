use crate::{KeyId, MAX_AUDIENCE_BYTES, begins_like_key, text_type};

text_type! {
    /// For whom a token is issued: what stands in its claim `aud`. 1 to 512 printable ASCII
    /// characters without blanks. It is not secret.
    Audience, AudienceError, |text| {
        let fits = (1..=MAX_AUDIENCE_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !begins_like_key(text);
        fits.then_some(()).ok_or(AudienceError)
    }
}

/// A text that is not an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an audience has 1 to {MAX_AUDIENCE_BYTES} printable characters without blanks, such as api.tailscale.com/T123CNTRL-k456CNTRL"
)]
pub struct AudienceError;

impl Audience {
    /// The one that Tailscale gives to a federated identity that was created without one
    /// (Tailscale's page "Workload identity federation").
    pub fn of_identity(client_id: &KeyId) -> Self {
        Self(format!("{}/{client_id}", crate::API_HOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_urls_and_refuses_what_stands_on_two_lines() {
        for text in ["api.tailscale.com/T1-k2", "https://example.com", "api://x"] {
            assert!(text.parse::<Audience>().is_ok(), "{text}");
        }
        for text in ["", "a b", "a\n", "\u{e4}", "tskey-api-1"] {
            assert_eq!(text.parse::<Audience>(), Err(AudienceError), "{text:?}");
        }
        assert!("a".repeat(MAX_AUDIENCE_BYTES).parse::<Audience>().is_ok());
        assert!(
            "a".repeat(MAX_AUDIENCE_BYTES + 1)
                .parse::<Audience>()
                .is_err()
        );
    }

    #[test]
    fn the_usual_one_names_the_identity() {
        let id = "T1CNTRL-k2CNTRL".parse().unwrap();
        assert_eq!(
            Audience::of_identity(&id).as_str(),
            "api.tailscale.com/T1CNTRL-k2CNTRL"
        );
    }
}
