use tailmint_api::OutsideText;

use crate::{Parts, Secret, redact};

/// What stands for a secret.
const REDACTED: &str = "[secret]";

/// Text from outside as it may be shown, without these secrets, or parts of them.
pub fn redacted(text: &str, secrets: &[&Secret]) -> OutsideText {
    let secrets: Vec<_> = secrets
        .iter()
        .map(|secret| (secret.expose_secret(), Parts::of(secret.expose_secret())))
        .collect();
    let secrets = secrets
        .iter()
        .map(|(secret, parts)| (*secret, parts, REDACTED));
    OutsideText::new(&redact(text, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_before_the_text_is_cut() {
        let secret = Secret::new("hvs.ABCDEFGHIJKLMNOPQRSTUVWX".to_owned());
        for before in 480..520 {
            let text = format!("{}{}", "x".repeat(before), secret.expose_secret());
            let shown = redacted(&text, &[&secret]);
            assert!(!shown.contains("hvs."), "{before}: {shown}");
            assert!(shown.chars().count() <= 512, "{before}");
        }
    }

    #[test]
    fn parts_of_secrets_are_not_shown() {
        let secret = Secret::new("hvs.ABCDEFGHIJKLMNOPQRSTUVWX".to_owned());
        for (text, shown) in [
            ("token ABCDEFGHIJKL\u{1b}[2J", "token [secret] [2J"),
            ("hvs.ABCDEFGHIJKLMNOPQRSTUVWX, hvs", "[secret], hvs"),
        ] {
            assert_eq!(&*redacted(text, &[&secret]), shown, "{text:?}");
        }
    }
}
