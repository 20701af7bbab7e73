use zeroize::Zeroizing;

use super::{Wrong, credential_error::KeySettings, identity::IdToken};

/// What a value is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An API access token.
    ApiKey,
    /// The id of an OAuth client.
    ClientId,
    /// The secret of an OAuth client.
    ClientSecret,
    /// An identity token of a platform.
    IdToken,
    /// The name of a tailnet.
    Tailnet,
    /// A token of a Vault.
    VaultToken,
}

/// A value, without what was around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value. It is wiped.
    pub text: Zeroizing<String>,
    /// Whether quotes, or blanks before it, were left out.
    pub was_wrapped: bool,
}

/// The most bytes that a value may have which is not a token of a platform. Those that
/// were seen have under 100.
const MAX_BYTES: usize = 4096;

/// A byte order mark, quotes, blanks and line ends.
const TRIMMED_BYTES: usize = 64;

/// The beginnings of keys and secrets: Tailscale's (its reference of key
/// prefixes) and Headscale's.
const PREFIXES: [(&str, &str); 6] = [
    ("tskey-client-", "an OAuth client secret"),
    ("hskey-client-", "an OAuth client secret"),
    ("tskey-auth-", "an auth key"),
    ("hskey-auth-", "an auth key"),
    ("tskey-api-", "an API key"),
    ("hskey-api-", "an API key"),
];

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "an API key",
            Self::ClientId => "an OAuth client id",
            Self::ClientSecret => "an OAuth client secret",
            Self::IdToken => "an identity token",
            Self::Tailnet => "the name of a tailnet",
            Self::VaultToken => "a Vault token",
        }
    }

    /// The most bytes that such a value may have.
    pub(super) const fn max_bytes(self) -> usize {
        match self {
            Self::IdToken => IdToken::MAX_BYTES,
            _ => MAX_BYTES,
        }
    }

    /// Room for the longest such value, with what is around it. It is of one size, so that
    /// no copy of a secret is left behind by growing.
    pub(super) fn buffer(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(vec![0; self.max_bytes() + TRIMMED_BYTES])
    }

    /// Removes what an editor or a shell adds to the value, a BOM, white space and
    /// quotes around it, and rejects a text that cannot be such a value.
    pub fn judge(self, bytes: &[u8]) -> Result<Value, Wrong> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Wrong::Utf16);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value = unwrapped(bytes);
        if value.is_empty() {
            return Err(Wrong::Empty);
        }
        if value.len() > self.max_bytes() {
            return Err(self.too_long());
        }
        if value.contains(&b'\n') || value.contains(&b'\r') {
            return Err(Wrong::SeveralLines);
        }
        // UTF-16 without its mark has a zero in every other byte.
        if value.len() > 2 && value.iter().skip(1).step_by(2).all(|&byte| byte == 0) {
            return Err(Wrong::Utf16);
        }
        match value[0] {
            b'{' | b'[' => return Err(Wrong::Json),
            b'#' => return Err(Wrong::Comment),
            _ => {}
        }
        if let Some(settings) = key_settings(value) {
            return Err(Wrong::KeySettings(settings));
        }
        if value.contains(&b'=') {
            return Err(Wrong::Assignment);
        }
        if value.iter().any(|byte| QUOTES.contains(byte)) {
            return Err(Wrong::Quoted);
        }
        if value.contains(&b' ') || value.contains(&b'\t') {
            return Err(Wrong::Space);
        }
        if !value.iter().all(u8::is_ascii_graphic) {
            return Err(Wrong::NotPrintable);
        }
        let was_wrapped = !bytes.starts_with(value);
        let text = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        self.check_prefix(&text)?;
        Ok(Value { text, was_wrapped })
    }

    pub(super) fn too_long(self) -> Wrong {
        Wrong::TooLong {
            most: self.max_bytes(),
        }
    }

    fn check_prefix(self, value: &str) -> Result<(), Wrong> {
        match PREFIXES
            .iter()
            .find(|(prefix, _)| value.starts_with(prefix))
        {
            Some((_, found)) if *found != self.name() => Err(Wrong::Kind {
                expected: self.name(),
                found,
            }),
            _ => Ok(()),
        }
    }
}

/// The quotes of shells, of JSON and of Markdown.
const QUOTES: &[u8] = b"\"'`";

/// What is left without white space and pairs of quotes at the ends.
fn unwrapped(mut value: &[u8]) -> &[u8] {
    loop {
        value = value.trim_ascii();
        match value {
            [first, inner @ .., last] if first == last && QUOTES.contains(first) => value = inner,
            _ => return value,
        }
    }
}

/// The settings for `tailscale up` behind a key: `tskey-client-...?ephemeral=false`.
fn key_settings(value: &[u8]) -> Option<KeySettings> {
    let has_prefix = |(prefix, _): &(&str, _)| value.starts_with(prefix.as_bytes());
    if !PREFIXES.iter().any(has_prefix) {
        return None;
    }
    let begin = value.iter().position(|&byte| byte == b'?')?;
    let has = |setting: &str| {
        let mut settings = value[begin + 1..].split(|&byte| byte == b'&');
        settings.any(|it| it == setting.as_bytes())
    };
    let flag = |on: &str, off: &str| match (has(on), has(off)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    Some(KeySettings {
        ephemeral: flag("ephemeral=true", "ephemeral=false"),
        preauthorized: flag("preauthorized=true", "preauthorized=false"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_blanks_around_the_value_are_left_out() {
        for (text, was_wrapped) in [
            ("value", false),
            ("value \t\r\n\n", false),
            (" value", true),
            ("\n\tvalue\n", true),
            ("\"value\"\n", true),
            ("'value'", true),
            (" \" value\n\" ", true),
            ("`\"value\"`", true),
            ("\u{feff}value", false),
        ] {
            let value = Kind::ClientSecret.judge(text.as_bytes()).unwrap();
            assert_eq!(&*value.text, "value", "{text:?}");
            assert_eq!(value.was_wrapped, was_wrapped, "{text:?}");
        }
    }

    #[test]
    fn quotes_that_are_no_pair_around_it_are_an_error() {
        for text in [
            "\"value",
            "value'",
            "\"value'",
            "va\"lue",
            "\"a\" \"b\"",
            "\"",
        ] {
            let judged = Kind::ClientSecret.judge(text.as_bytes());
            assert_eq!(judged, Err(Wrong::Quoted), "{text:?}");
        }
        for text in ["\"\"", "' '", "\"'\n'\""] {
            let judged = Kind::ClientSecret.judge(text.as_bytes());
            assert_eq!(judged, Err(Wrong::Empty), "{text:?}");
        }
    }

    #[test]
    fn settings_behind_a_key_are_known_for_what_they_are() {
        for (text, ephemeral, preauthorized) in [
            (
                "tskey-client-kX-y?ephemeral=false&preauthorized=true",
                Some(false),
                Some(true),
            ),
            ("'tskey-auth-kX-y?preauthorized=false'", None, Some(false)),
            ("tskey-api-kX-y?baseURL=https://x", None, None),
        ] {
            let settings = KeySettings {
                ephemeral,
                preauthorized,
            };
            let judged = Kind::ClientSecret.judge(text.as_bytes());
            assert_eq!(judged, Err(Wrong::KeySettings(settings)), "{text}");
        }
        let judged = Kind::ClientSecret.judge(b"SECRET=tskey-client-kX-y");
        assert_eq!(judged, Err(Wrong::Assignment));
    }
}
