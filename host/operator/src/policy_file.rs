//! The policy of this machine and this user, from its files.

use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tailmint::policy::{Policy, PolicyError, PolicyFile};
use tailmint_core::{Diagnose, Environment};

use crate::{
    Unsound, UnsoundFile,
    config::UsualFile,
    sound_file::{self, believed_users},
};

/// The policy of this user on this machine: the file that was given, or
/// `tailmint/policy.toml` under `$XDG_CONFIG_HOME` (or `~/.config`), within
/// [`Policy::CEILING`]. Neither needs to exist; what is there and cannot be used is an
/// error, also a link that leads nowhere. Where root has no policy of its own, that
/// of the user who ran `sudo` holds.
///
/// # Errors
/// A file cannot be read, is not a policy, can be changed or replaced by others, or allows
/// more than the ceiling.
pub fn load(given: Option<&Path>, environment: &Environment) -> Result<Policy, PolicyError> {
    let ceiling = read(Policy::ceiling_path(), &[0])?.map(|(file, _)| file);
    let usual = UsualFile::find("policy.toml", environment);
    let is_invokers = given.is_none() && usual.as_ref().is_some_and(|it| it.invoker.is_some());
    let path = given.map(Path::to_owned).or(usual.map(|it| it.path));
    let own = match &path {
        Some(path) => read(path, &believed_users(environment))?,
        None => None,
    };
    let own = match own {
        Some((file, metadata)) => {
            if is_invokers {
                open_to_all(&file.path, &metadata)?;
            }
            Some(file)
        }
        None => None,
    };
    match (own, given) {
        (None, Some(given)) => Err(PolicyError::Missing {
            path: given.to_owned(),
        }),
        (own, _) => {
            let own_path = path.unwrap_or_else(|| PathBuf::from("policy.toml"));
            Policy::layered(ceiling, own.as_ref(), own_path)
        }
    }
}

/// What root reads because its user's files lead there is shown line by line where it is
/// wrong: it is no file that only root may read.
fn open_to_all(path: &Path, metadata: &Metadata) -> Result<(), PolicyError> {
    if metadata.uid() != 0 || metadata.mode() & 0o004 != 0 {
        return Ok(());
    }
    Err(PolicyError::Unreadable {
        path: path.to_owned(),
        detail: "only root may read it".to_owned(),
    })
}

/// Where the policy of the user is looked for if none is given.
pub fn default_path(environment: &Environment) -> Option<PathBuf> {
    UsualFile::find("policy.toml", environment).map(|it| it.path)
}

/// Whether the file is a policy, by itself.
///
/// # Errors
/// It is not a policy, or may be written by others.
pub fn check(path: &Path, environment: &Environment) -> Result<(), PolicyError> {
    match read(path, &believed_users(environment))? {
        Some((file, _)) => Policy::layered(None, Some(&file), path.to_owned()).map(drop),
        None => Err(PolicyError::Missing {
            path: path.to_owned(),
        }),
    }
}

/// The built-in policy as a file has under 8 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a policy file, if there is one, that only these users can have changed, with what
/// the system says of it.
fn read(path: &Path, users: &[u32]) -> Result<Option<(PolicyFile, Metadata)>, PolicyError> {
    let file = sound_file::read(path, MAX_BYTES, users)
        .map_err(|UnsoundFile { path, unsound }| of_unsound(path, unsound))?;
    let Some(file) = file else { return Ok(None) };
    let path = path.to_owned();
    match String::from_utf8(file.bytes) {
        Ok(text) => Ok(Some((PolicyFile { path, text }, file.metadata))),
        Err(_) => Err(PolicyError::Unreadable {
            path,
            detail: "it is not UTF-8".to_owned(),
        }),
    }
}

fn of_unsound(path: PathBuf, unsound: Unsound) -> PolicyError {
    match unsound {
        Unsound::Foreign { uid } => PolicyError::Foreign { path, uid },
        Unsound::Writable { mode, .. } => PolicyError::Writable { path, mode },
        Unsound::Unreadable { detail } => PolicyError::Unreadable { path, detail },
        unsound => {
            let error = UnsoundFile { path, unsound };
            let hint = error.hint().unwrap_or_default();
            let UnsoundFile { path, unsound } = error;
            PolicyError::Replaceable {
                path,
                detail: unsound.to_string(),
                hint,
            }
        }
    }
}
