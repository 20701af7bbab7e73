use std::io;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl},
    io::{Errno, write},
    stdio::stdout,
};
use serde_json::{Value, json};
use tailmint::{AuthKey, Class, MintedKey};
use zeroize::Zeroizing;

use super::{arguments::Format, failure::Failure, key_flags::in_words, signals, start};

/// The most that is written at once: what a pipe takes whole where it takes anything.
const PART: usize = 4096;

/// Between two looks whether a signal came, where standard output takes nothing.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Prints the line on standard output, whole or with an error.
pub(super) fn line(text: &str) -> io::Result<()> {
    let text = Zeroizing::new([text, "\n"].concat());
    all(text.as_bytes())
}

/// The same for what is no loss if it cannot be printed.
pub(super) fn written(text: &str) -> Result<(), Failure> {
    line(text).map_err(|error| unwritten(&error))
}

/// The same for text that ends as it should.
pub(super) fn bytes(text: &[u8]) -> Result<(), Failure> {
    all(text).map_err(|error| unwritten(&error))
}

/// The same for a line with colours, which are left out where they would not be seen.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing is written: it is asked what it takes"
)]
pub(super) fn styled(text: &str) -> Result<(), Failure> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => written(&strip_str(text).to_string()),
        _ => written(text),
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::output(error).by(signals::exit_code())
}

/// Whether there is a standard output that can be written to, asked before there is
/// something that must not be lost.
pub(super) fn is_possible() -> Result<(), Failure> {
    let is_writable = fcntl_getfl(stdout()).is_ok_and(takes_writes);
    if start::has_output() && is_writable {
        return Ok(());
    }
    Err(Failure::new(
        Class::Usage,
        "standard output is closed or cannot be written to, and the key is printed there",
        Some("let it lead somewhere: a pipe, a file, or > /dev/null".to_owned()),
    ))
}

/// Whether what was opened in this way can be written to.
fn takes_writes(flags: OFlags) -> bool {
    // macOS opens nothing as a path alone.
    #[cfg(not(target_vendor = "apple"))]
    if flags.contains(OFlags::PATH) {
        return false;
    }
    flags & OFlags::RWMODE != OFlags::RDONLY
}

/// Writes it all, by itself: the standard library takes a standard output that cannot be
/// written to for one that nobody wants. A signal ends the wait for a reader.
fn all(text: &[u8]) -> io::Result<()> {
    if !start::has_output() {
        return Err(Errno::BADF.into());
    }
    let mut rest = text;
    while !rest.is_empty() {
        wait_for_room()?;
        match write(stdout(), &rest[..rest.len().min(PART)]) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_for_room() -> io::Result<()> {
    let output = stdout();
    loop {
        match poll(&mut [PollFd::new(&output, PollFlags::OUT)], Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) => {}
            // What else is wrong the write says.
            _ => return Ok(()),
        }
        if signals::exit_code().is_some() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
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
