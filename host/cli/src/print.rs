use std::io::{self, Write};

use serde_json::{Value, json};
use tailmint::{AuthKey, MintedKey};
use zeroize::Zeroizing;

use super::{arguments::Format, failure::Failure, key_flags::in_words};

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

/// The key as the format has it on standard output. No format escapes anything: the host
/// takes no keys with other characters than letters, digits, - and _.
pub(super) fn minted(minted: &MintedKey, format: Format) -> Zeroizing<String> {
    let key = minted.key.expose_secret();
    Zeroizing::new(match format {
        Format::Key => key.to_owned(),
        Format::Env => format!("export TS_AUTHKEY='{key}'"),
        Format::Json => {
            let mut value = described(&minted.details);
            value["key"] = key.into();
            value.to_string()
        }
        Format::Dotenv => variable(key),
        // GitHub's runner replaces it with *** in all lines that follow.
        Format::Github => format!("::add-mask::{key}"),
        Format::Talos => format!(
            "apiVersion: v1alpha1\n\
             kind: ExtensionServiceConfig\n\
             name: tailscale\n\
             environment:\n  \
               - {}",
            variable(key)
        ),
        Format::Kubernetes => format!(
            "apiVersion: v1\n\
             kind: Secret\n\
             metadata:\n  \
               name: tailscale-auth\n\
             type: Opaque\n\
             stringData:\n  \
               TS_AUTHKEY: {key}"
        ),
    })
}

/// The line of a file of variables that has the key.
fn variable(key: &str) -> String {
    format!("TS_AUTHKEY={key}")
}

/// What the API says about a key.
pub(super) fn described(key: &AuthKey) -> Value {
    let mut value = json!(key.capabilities);
    value["id"] = key.id.as_str().into();
    value["created"] = key.created.as_str().into();
    value["expires"] = key.expires.as_str().into();
    value["invalid"] = key.invalid.into();
    value["description"] = key.description.as_deref().into();
    value
}

/// The same for people.
pub(super) fn described_in_words(key: &AuthKey) -> String {
    format!(
        "{} {}, {}, created {}, expires {}{}",
        key.id,
        if key.invalid {
            "no longer valid"
        } else {
            "valid"
        },
        in_words(&key.capabilities),
        key.created,
        key.expires,
        match &key.description {
            Some(text) => format!(", {text:?}"),
            None => String::new(),
        },
    )
}
