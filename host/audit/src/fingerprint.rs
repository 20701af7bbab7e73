use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use ring::hmac;
use tailmint_core::{Secret, digest::hex, fail_point};
use zeroize::Zeroizing;

use crate::{AuditError, lock::lock, own_file};

/// Stand for secrets in an audit log. A secret has the same fingerprint throughout one
/// file, and another in every other file: without the key of a file, nobody can try
/// out secrets on it.
pub(crate) struct Fingerprints(Key);

type Key = Zeroizing<[u8; KEY_BYTES]>;

const KEY_BYTES: usize = 32;

/// Enough that two secrets of one machine do not meet.
const SHOWN_BYTES: usize = 8;

impl Fingerprints {
    /// The key beside the audit file, made where there is none.
    pub(crate) fn beside(audit: &Path) -> Result<Self, AuditError> {
        let path = audit.with_extension("key");
        let failed = |error: io::Error| AuditError::unwritable(&path, &error);
        let found = own_file::open(OpenOptions::new().read(true), &path)?;
        if let Some(mut file) = found
            && let Found::Key(key) = read(&mut file).map_err(failed)?
        {
            own_file::close_to_others(&file, &path)?;
            return Ok(Self(key));
        }
        make(&path).map(Self)
    }

    pub(crate) fn of(&self, secret: &Secret) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let fingerprint = hmac::sign(&key, secret.expose_secret().as_bytes());
        hex(&fingerprint.as_ref()[..SHOWN_BYTES])
    }
}

/// Creates the file of the key, one process at a time. A process that is killed
/// meanwhile leaves an empty file, which the next one fills.
fn make(path: &Path) -> Result<Key, AuditError> {
    let failed = |error: io::Error| AuditError::unwritable(path, &error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    let missing = || failed(io::ErrorKind::NotFound.into());
    let mut file = own_file::open(&options, path)?.ok_or_else(missing)?;
    lock(&file).map_err(failed)?;
    match read(&mut file).map_err(failed)? {
        Found::Key(key) => return Ok(key),
        Found::Nothing => {}
        Found::Other(bytes) => {
            return Err(AuditError::unfit(
                path,
                format!("it has {bytes} bytes; the key of an audit log has {KEY_BYTES}"),
                "if it is the key, remove it: secrets have other fingerprints from then on; if it is not, name the log otherwise",
            ));
        }
    }
    own_file::close_to_others(&file, path)?;
    fill(&mut file).map_err(failed)
}

fn fill(file: &mut File) -> io::Result<Key> {
    let mut key = Key::default();
    getrandom::fill(&mut *key).map_err(io::Error::other)?;
    fail_point("audit-key-created");
    if let Err(error) = file.write_all(&*key) {
        file.set_len(0)?;
        return Err(error);
    }
    fail_point("audit-key-written");
    file.sync_all()?;
    Ok(key)
}

enum Found {
    Key(Key),
    /// It is still to be written.
    Nothing,
    /// So many bytes.
    Other(u64),
}

fn read(file: &mut File) -> io::Result<Found> {
    let bytes = file.metadata()?.len();
    if bytes == 0 {
        return Ok(Found::Nothing);
    }
    if bytes != KEY_BYTES as u64 {
        return Ok(Found::Other(bytes));
    }
    let mut key = Key::default();
    file.read_exact(&mut *key)?;
    Ok(Found::Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_fingerprint_in_a_log_and_another_in_another() {
        let directory = tempfile::tempdir().unwrap();
        let log = |name: &str| directory.path().join(name);
        let secret = |text: &str| Secret::new(text.to_owned());
        let of = |name: &str, text: &str| {
            let fingerprints = Fingerprints::beside(&log(name)).unwrap();
            fingerprints.of(&secret(text))
        };
        let first = of("a.jsonl", "one");
        assert_eq!(first.len(), 2 * SHOWN_BYTES);
        assert!(first.bytes().all(|it| it.is_ascii_hexdigit()));
        assert_eq!(of("a.jsonl", "one"), first);
        assert_ne!(of("a.jsonl", "two"), first);
        assert_ne!(of("b.jsonl", "one"), first);
        // The key is what it depends on, and is not all zeros.
        let key = std::fs::read(log("a.key")).unwrap();
        assert_eq!(key.len(), KEY_BYTES);
        assert_ne!(key, [0; KEY_BYTES]);
    }
}
