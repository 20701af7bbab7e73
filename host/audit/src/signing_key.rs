//! The key that signs checkpoints, in a file beside the log.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use tailmint_core::{digest::hex, fail_point};
use zeroize::Zeroizing;

use crate::{
    AuditError, PublicKey, archive,
    lock::lock,
    own_file,
    signer::{SEED_BYTES, Signer},
};

/// How its name ends, in place of the log's own extension.
pub(crate) const EXTENSION: &str = "signing-key";

/// The same for the key that is to be the next, until the log says so.
pub(crate) const NEXT_EXTENSION: &str = "signing-key-new";

/// How the names of logs begin, in checkpoints and for witnesses. The rest is random: two
/// logs never have one name.
const NAME: &str = "tailmint-audit/";
const NAME_BYTES: usize = 8;

/// More than a key has.
const MOST_BYTES: u64 = 1024;

/// The key that signs now. No other process uses it, or puts another in its place, as long as
/// this is held.
pub(crate) struct SigningKey {
    pub(crate) signer: Signer,
    /// Whether it was created now: there was none.
    pub(crate) is_new: bool,
    _locked: File,
}

/// The key beside the log, created where there is none.
pub(crate) fn beside(log: &Path) -> Result<SigningKey, AuditError> {
    let path = log.with_extension(EXTENSION);
    let failed = |error: io::Error| AuditError::unwritable(&path, &error);
    let mut file = open(&path)?;
    lock(&file).map_err(failed)?;
    // Another may have been put in its place.
    while !archive::identity(&file)
        .and_then(|own| archive::is_at(own, &path))
        .map_err(failed)?
    {
        file = open(&path)?;
        lock(&file).map_err(failed)?;
    }
    let found = read(&mut file, &path)?;
    own_file::close_to_others(&file, &path)?;
    let is_new = found.is_none();
    let signer = if let Some(signer) = found {
        signer
    } else {
        let mut name = [0; NAME_BYTES];
        getrandom::fill(&mut name).map_err(|error| failed(io::Error::other(error)))?;
        let signer = create(&format!("{NAME}{}", hex(&name))).map_err(failed)?;
        write(&mut file, &signer).map_err(failed)?;
        signer
    };
    Ok(SigningKey {
        signer,
        is_new,
        _locked: file,
    })
}

/// What the key beside the log is verified with. `None` where there is none, or where this
/// user cannot read it.
pub(crate) fn public_beside(log: &Path) -> Option<PublicKey> {
    let path = log.with_extension(EXTENSION);
    let mut file = own_file::open(OpenOptions::new().read(true), &path).ok()??;
    let signer = read(&mut file, &path).ok()??;
    Some(signer.public().clone())
}

/// A new key of the same name, in a file of its own: it signs nothing until it is
/// [put in place](put_in_place). Call it with the key that signs now held.
pub(crate) fn create_next(log: &Path, name: &str) -> Result<Signer, AuditError> {
    let path = log.with_extension(NEXT_EXTENSION);
    let failed = |error: io::Error| AuditError::unwritable(&path, &error);
    let mut file = open(&path)?;
    own_file::close_to_others(&file, &path)?;
    let key = create(name).map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    write(&mut file, &key).map_err(failed)?;
    Ok(key)
}

/// The key that was to be the next when a process was killed, if it is this one.
pub(crate) fn is_next(log: &Path, key: &PublicKey) -> Result<bool, AuditError> {
    let path = log.with_extension(NEXT_EXTENSION);
    let found = own_file::open(OpenOptions::new().read(true), &path)?;
    let Some(mut file) = found else {
        return Ok(false);
    };
    // One that was cut off is none.
    let next = read(&mut file, &path).ok().flatten();
    Ok(next.is_some_and(|next| next.public() == key))
}

/// Has the next key sign from now on, in place of the one before.
pub(crate) fn put_in_place(log: &Path) -> Result<(), AuditError> {
    let path = log.with_extension(EXTENSION);
    let failed = |error: io::Error| AuditError::unwritable(&path, &error);
    fs::rename(log.with_extension(NEXT_EXTENSION), &path).map_err(failed)
}

/// The error of a key that the log does not name, where it names another.
pub(crate) fn of_another(log: &Path) -> AuditError {
    AuditError::unfit(
        &log.with_extension(EXTENSION),
        "it is not the key that the log names",
        "if it is another log's, name one of the two logs otherwise; if it was lost and put back, remove it: the next checkpoint has a new one, which the log says nothing speaks for",
    )
}

fn open(path: &Path) -> Result<File, AuditError> {
    let missing = || AuditError::unwritable(path, &io::ErrorKind::NotFound.into());
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    own_file::open(&options, path)?.ok_or_else(missing)
}

/// `None` where it is still to be written.
fn read(file: &mut File, path: &Path) -> Result<Option<Signer>, AuditError> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    let read = file.take(MOST_BYTES).read_to_string(&mut text);
    match read {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
        Err(error) => return Err(AuditError::unwritable(path, &error)),
    }
    let signer = Signer::from_text(&text);
    signer.map(Some).ok_or_else(|| {
        AuditError::unfit(
            path,
            "it is not the key that signs the checkpoints of an audit log",
            "if it was that key, remove it: the next checkpoint has a new one; if it is something else, name the log otherwise",
        )
    })
}

fn create(name: &str) -> io::Result<Signer> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    getrandom::fill(&mut *seed).map_err(io::Error::other)?;
    Signer::new(name, seed).ok_or_else(|| io::Error::other("the key has no name"))
}

/// A process that is killed before leaves the file empty, which the next one fills.
fn write(file: &mut File, key: &Signer) -> io::Result<()> {
    fail_point("audit-signing-key-created");
    let text = key.to_text();
    if let Err(error) = file.write_all(text.as_bytes()) {
        file.set_len(0)?;
        return Err(error);
    }
    fail_point("audit-signing-key-written");
    file.sync_all()
}
