use std::{
    borrow::Borrow,
    fmt::{self, Display},
    ops::Deref,
};

use serde::{Serialize, Serializer};

use crate::{key_text::without_keys, text::one_line};

/// Text that came from outside: from a server, a component, a certificate, a file, another
/// program, the system.
///
/// It is fit for one line of a terminal, and shows nothing that looks like a secret. There
/// is no other way to make one, and no other way to get at what it was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutsideText(String);

impl OutsideText {
    /// The text as it may be shown. Where secrets are known that may be in it, take them
    /// out before: a cut, or a blank in place of a control character, would leave a part
    /// that is not found any more.
    pub fn new(text: &str) -> Self {
        Self(one_line(&without_keys(text)))
    }

    /// The same for what says itself, such as another library's error.
    pub fn of(value: impl Display) -> Self {
        Self::new(&value.to_string())
    }

    /// The text, to be kept where it is shown later.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for OutsideText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for OutsideText {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for OutsideText {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl Display for OutsideText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for OutsideText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        for (text, shown) in [
            ("a tskey-auth-kX-abc b", "a [a key] b"),
            ("one\r\ntwo\u{202e}three", "one two three"),
            ("", ""),
        ] {
            assert_eq!(&*OutsideText::new(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_key_goes_before_the_text_is_cut() {
        for before in 490..515 {
            let text = format!("{} tskey-auth-kX-abc", "x".repeat(before));
            let shown = OutsideText::new(&text);
            assert!(!shown.contains("skey"), "{before}: {shown}");
            assert!(shown.chars().count() <= 512, "{before}");
        }
    }

    #[test]
    fn is_the_same_however_it_is_used() {
        let text = OutsideText::of(format_args!("a\n{}", 1));
        assert_eq!(text, "a 1");
        assert_ne!(text, "a");
        assert_eq!(&*text, "a 1");
        assert_eq!(text.to_string(), "a 1");
        let borrowed: &str = text.borrow();
        assert_eq!(borrowed, "a 1");
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"a 1\"");
        assert_eq!(text.into_string(), "a 1");
    }
}
