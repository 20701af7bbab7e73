use std::{
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::OFlags;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::AuditError;
use crate::{Secret, digest::hex};

/// What stands for secrets in an audit: the same for the same secret in one file,
/// another in every other file, so that whoever has a file cannot try out
/// secrets on it without its key.
pub(super) struct Fingerprints(Zeroizing<[u8; KEY_BYTES]>);

const KEY_BYTES: usize = 32;

/// Enough that two secrets of one machine do not meet.
const SHOWN_BYTES: usize = 8;

impl Fingerprints {
    /// The key beside the audit file, made where there is none.
    pub(super) fn beside(audit: &Path) -> Result<Self, AuditError> {
        let path = audit.with_extension("key");
        let failed = |error: io::Error| AuditError::io(&path, &error);
        match Self::read(&path) {
            Ok(key) => return Ok(Self(key)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *key).map_err(|error| failed(io::Error::other(error)))?;
        // Whole or not at all: another process may make one at the same time.
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".audit-key-")
            .tempfile_in(folder)
            .map_err(failed)?;
        file.write_all(&*key).map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(Self(key)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(&path).map(Self).map_err(failed)
            }
            Err(error) => Err(failed(error.error)),
        }
    }

    fn read(path: &Path) -> io::Result<Zeroizing<[u8; KEY_BYTES]>> {
        let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        file.read_exact(&mut *key)?;
        Ok(key)
    }

    pub(super) fn of(&self, secret: &Secret) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("any key will do");
        mac.update(secret.expose_secret().as_bytes());
        hex(&mac.finalize().into_bytes()[..SHOWN_BYTES])
    }
}
