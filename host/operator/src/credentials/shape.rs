use zeroize::Zeroizing;

use super::Wrong;

/// What a value is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An API access token.
    ApiKey,
    /// The id of an OAuth client.
    ClientId,
    /// The secret of an OAuth client.
    ClientSecret,
    /// A token of a Vault.
    VaultToken,
}

/// The most bytes that a value may have. Those that were seen have under 100.
pub(super) const MAX_BYTES: usize = 4096;

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
            Self::VaultToken => "a Vault token",
        }
    }

    /// Removes what an editor or a shell adds to the value, a BOM and trailing white
    /// space, and rejects a text that cannot be such a value.
    pub fn judge(self, bytes: &[u8]) -> Result<Zeroizing<String>, Wrong> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Wrong::Utf16);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let end = bytes
            .iter()
            .rposition(|byte| !b" \t\r\n".contains(byte))
            .map_or(0, |last| last + 1);
        let value = &bytes[..end];
        if value.is_empty() {
            return Err(Wrong::Empty);
        }
        if value.len() > MAX_BYTES {
            return Err(Wrong::TooLong);
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
            b'"' | b'\'' | b'`' => return Err(Wrong::Quoted),
            b'#' => return Err(Wrong::Comment),
            _ => {}
        }
        if value.contains(&b'=') {
            return Err(Wrong::Assignment);
        }
        if value.contains(&b' ') || value.contains(&b'\t') {
            return Err(Wrong::Space);
        }
        if !value.iter().all(u8::is_ascii_graphic) {
            return Err(Wrong::NotPrintable);
        }
        let value = Zeroizing::new(String::from_utf8_lossy(value).into_owned());
        self.check_prefix(&value)?;
        Ok(value)
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
