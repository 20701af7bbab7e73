//! The policy of this machine and this user, from its files.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use tailmint::policy::{Policy, PolicyError, PolicyFile};
use tailmint_core::Environment;

use crate::config::{ConfigError, UsualFile, read_text};
use crate::users::invoker_of_root;

/// The policy of this user on this machine: the file that was given, or
/// `tailmint/policy.toml` under `$XDG_CONFIG_HOME` (or `~/.config`), within
/// [`Policy::CEILING`]. Neither needs to exist. Where root has no policy of its own, that
/// of the user who ran `sudo` holds.
///
/// # Errors
/// A file cannot be read, is not a policy, may be written by others, or allows more than
/// the ceiling.
pub fn load(given: Option<&Path>, environment: &Environment) -> Result<Policy, PolicyError> {
    let ceiling = read(Policy::ceiling_path(), &[0])?;
    let usual = UsualFile::find("policy.toml", environment);
    if let (
        None,
        Some(UsualFile {
            path,
            invoker: Some(_),
        }),
    ) = (given, &usual)
    {
        open_to_all(path)?;
    }
    let path = given.map(Path::to_owned).or(usual.map(|it| it.path));
    let invoker = invoker_of_root(environment).map(|invoker| invoker.uid);
    let owners: Vec<_> = [0, geteuid().as_raw()].into_iter().chain(invoker).collect();
    let own = match &path {
        Some(path) => read(path, &owners)?,
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
fn open_to_all(path: &Path) -> Result<(), PolicyError> {
    match path.metadata() {
        Ok(it) if it.uid() == 0 && it.mode() & 0o004 == 0 => Err(PolicyError::Unreadable {
            path: path.to_owned(),
            detail: "only root may read it".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Whether the file is a policy, by itself.
///
/// # Errors
/// It is not a policy, or may be written by others.
pub fn check(path: &Path) -> Result<(), PolicyError> {
    match read(path, &[0, geteuid().as_raw()])? {
        Some(file) => Policy::layered(None, Some(&file), path.to_owned()).map(drop),
        None => Err(PolicyError::Missing {
            path: path.to_owned(),
        }),
    }
}

/// Reads a policy file, if there is one, that only these users may write.
fn read(path: &Path, owners: &[u32]) -> Result<Option<PolicyFile>, PolicyError> {
    let unreadable = |detail: String| PolicyError::Unreadable {
        path: path.to_owned(),
        detail,
    };
    let text = read_text(path).map_err(|error| match error {
        ConfigError::Unreadable { detail, .. } => unreadable(detail),
        other => unreadable(other.to_string()),
    })?;
    let Some((text, metadata)) = text else {
        return Ok(None);
    };
    if !owners.contains(&metadata.uid()) {
        return Err(PolicyError::Foreign {
            path: path.to_owned(),
            uid: metadata.uid(),
        });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(PolicyError::Writable {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(Some(PolicyFile {
        path: path.to_owned(),
        text,
    }))
}
