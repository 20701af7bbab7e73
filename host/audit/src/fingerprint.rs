use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ring::hmac;
use rustix::fs::OFlags;
use tailmint_core::{Secret, digest::hex, fail_point};
use zeroize::Zeroizing;

use crate::{AuditError, lock::lock};

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
        let key = match open(OpenOptions::new().read(true), &path) {
            Ok(mut file) => read(&mut file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        key.and_then(|key| key.map_or_else(|| make(&path), Ok))
            .map(Self)
            .map_err(|error| AuditError::io(&path, &error))
    }

    pub(crate) fn of(&self, secret: &Secret) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let fingerprint = hmac::sign(&key, secret.expose_secret().as_bytes());
        hex(&fingerprint.as_ref()[..SHOWN_BYTES])
    }
}

/// Creates the file of the key, one process at a time. A process that is killed
/// meanwhile leaves an empty file, which the next one fills.
fn make(path: &Path) -> io::Result<Key> {
    let mut file = open(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .mode(0o600),
        path,
    )?;
    lock(&file)?;
    if let Some(key) = read(&mut file)? {
        return Ok(key);
    }
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

/// `None` where it is still to be written.
fn read(file: &mut File) -> io::Result<Option<Key>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() == 0 {
        return Ok(None);
    }
    let mut key = Key::default();
    file.read_exact(&mut *key)?;
    Ok(Some(key))
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(flags.bits().cast_signed()).open(path)
}
