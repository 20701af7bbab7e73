use std::io::{self, Write};

use serde_json::{Value, json};
use tailmint::{AuthKey, MintedKey};
use zeroize::Zeroizing;

use super::{arguments::Format, failure::Failure};

/// Prints the line on standard output, whole or with an error.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The same for what is no loss if it cannot be printed.
pub(super) fn written(text: &str) -> Result<(), Failure> {
    line(text).map_err(|error| Failure::output(&error))
}

/// The same for text that ends as it should.
pub(super) fn bytes(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// The key as the format has it.
pub(super) fn minted(minted: &MintedKey, format: Format) -> Zeroizing<String> {
    let key = minted.key.expose_secret();
    Zeroizing::new(match format {
        Format::Key => key.to_owned(),
        // Keys have no quotes in them: the host takes no other characters than
        // those of keys.
        Format::Env => format!("export TS_AUTHKEY='{key}'"),
        Format::Json => {
            let mut value = described(&minted.details);
            value["key"] = key.into();
            value.to_string()
        }
    })
}

/// What the API says about a key.
pub(super) fn described(key: &AuthKey) -> Value {
    json!({
        "id": key.id.as_str(),
        "created": key.created,
        "expires": key.expires,
        "invalid": key.invalid,
        "reusable": key.reusable,
        "ephemeral": key.ephemeral,
        "preauthorized": key.preauthorized,
        "tags": key.tags,
        "description": key.description,
    })
}

/// The same for people.
pub(super) fn described_in_words(key: &AuthKey) -> String {
    let yes_or = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
    format!(
        "{} {}, {}, {}, {}, tags {}, created {}, expires {}{}",
        key.id,
        yes_or(key.invalid, "no longer valid", "valid"),
        yes_or(key.reusable, "reusable", "single use"),
        yes_or(key.ephemeral, "ephemeral", "not ephemeral"),
        yes_or(key.preauthorized, "preauthorized", "not preauthorized"),
        key.tags.join(" "),
        key.created,
        key.expires,
        match &key.description {
            Some(text) => format!(", {text:?}"),
            None => String::new(),
        },
    )
}
