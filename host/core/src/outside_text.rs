use std::{fmt, ops::Deref};

use tailmint_api::{one_line, without_keys};

use crate::{Parts, Secret, redact};

/// Text that came from outside: from a server, a certificate, another program, the system.
///
/// It is fit for one line of a terminal, and shows nothing that is known to be a secret or
/// looks like one. There is no other way to make one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideText(String);

/// What stands for a secret.
const REDACTED: &str = "[secret]";

impl OutsideText {
    /// The text, where no secret is known that may be in it.
    pub fn new(text: &str) -> Self {
        Self(without_keys(&one_line(text)))
    }

    /// The text without these secrets, or parts of them. They go first: a cut, or a blank
    /// in place of a control character, would leave a part that is not found any more.
    pub fn without(text: &str, secrets: &[&Secret]) -> Self {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| (secret.expose_secret(), Parts::of(secret.expose_secret())))
            .collect();
        let secrets = secrets
            .iter()
            .map(|(secret, parts)| (*secret, parts, REDACTED));
        Self::new(&redact(text, secrets))
    }
}

impl Deref for OutsideText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OutsideText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for OutsideText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for OutsideText {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_before_the_text_is_cut() {
        let secret = Secret::new("hvs.ABCDEFGHIJKLMNOPQRSTUVWX".to_owned());
        for before in 480..520 {
            let text = format!("{}{}", "x".repeat(before), secret.expose_secret());
            let shown = OutsideText::without(&text, &[&secret]);
            assert!(!shown.contains("hvs."), "{before}: {shown}");
            assert!(shown.chars().count() <= 512, "{before}");
        }
    }

    #[test]
    fn parts_of_secrets_and_what_looks_like_a_key_are_not_shown() {
        let secret = Secret::new("hvs.ABCDEFGHIJKLMNOPQRSTUVWX".to_owned());
        for (text, shown) in [
            ("token ABCDEFGHIJKL\u{1b}[2J", "token [secret] [2J"),
            ("hvs.ABCDEFGHIJKLMNOPQRSTUVWX, hvs", "[secret], hvs"),
            ("a tskey-auth-kX-abc b", "a [a key] b"),
            ("one\r\ntwo\u{202e}three", "one two three"),
        ] {
            assert_eq!(&*OutsideText::without(text, &[&secret]), shown, "{text:?}");
        }
    }
}
