//! The configuration file: profiles, and where the secrets are.

mod config_error;
mod file;
mod usual_file;

use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

pub use config_error::ConfigError;
use file::{AuditEntry, File, ProfileEntry, ProfileName, VaultEntry, read_text};
pub(crate) use usual_file::UsualFile;

use crate::vault::VaultPath;
use crate::{Authorities, Profile, sound_file::believed_users};
use tailmint_audit::{AuditError, AuditFile, Shipping};
use tailmint_core::{Environment, Invoker};

/// What is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The profiles: the built-in ones, as changed and added to by the file.
    profiles: Vec<Profile>,
    default_profile: String,
    secrets_dir: Option<PathBuf>,
    authorities: Option<Authorities>,
    vault: VaultEntry,
    audit: AuditEntry,
    /// Whose file it is, where root reads it on behalf of another user.
    invoker: Option<Invoker>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profiles: Profile::built_in().to_vec(),
            default_profile: "bootstrap".to_owned(),
            secrets_dir: None,
            authorities: None,
            vault: VaultEntry::default(),
            audit: AuditEntry::default(),
            invoker: None,
        }
    }
}

impl Config {
    /// Reads the file that was given, or the usual one, which need not exist.
    ///
    /// # Errors
    /// The file cannot be read or makes no sense; or others can change it.
    pub fn load(given: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let users = believed_users(environment);
        if let Some(path) = given {
            let (text, _) = read_text(path, &users)?.ok_or_else(|| ConfigError::Missing {
                path: path.to_owned(),
            })?;
            return Self::parse(path, &text, None);
        }
        let Some(UsualFile { path, invoker }) = UsualFile::find("config.toml", environment) else {
            return Ok(Self::default());
        };
        let read = read_text(&path, &users);
        let read = match &invoker {
            Some(invoker) => read.map_err(|error| error.for_root(invoker.uid))?,
            None => read?,
        };
        let Some((text, metadata)) = read else {
            return Ok(Self::default());
        };
        if let Some(invoker) = &invoker {
            open_to_all(&path, &metadata, invoker.uid)?;
        }
        Self::parse(&path, &text, invoker)
    }

    /// Where the configuration file is looked for: `tailmint/config.toml` under
    /// `$XDG_CONFIG_HOME` (or `~/.config`). Where root has none, under `~/.config` of the
    /// user who ran `sudo`.
    pub fn default_path(environment: &Environment) -> Option<PathBuf> {
        UsualFile::find("config.toml", environment).map(|it| it.path)
    }

    pub(crate) fn parse(
        path: &Path,
        text: &str,
        invoker: Option<Invoker>,
    ) -> Result<Self, ConfigError> {
        let file = File::parse(path, text)?;
        let mut config = Self {
            authorities: file.authorities(),
            secrets_dir: file.secrets_dir,
            vault: file.vault,
            audit: file.audit,
            invoker,
            ..Self::default()
        };
        for (ProfileName(name), entry) in file.profiles {
            let entry = match &config.invoker {
                Some(invoker) => entry.on_behalf_of(invoker),
                None => entry,
            };
            config.change(path, &name, entry)?;
        }
        if let Some(ProfileName(name)) = file.profile {
            config.profile(Some(&name))?;
            config.default_profile = name;
        }
        Ok(config)
    }

    /// Changes the profile of this name, or adds it.
    fn change(&mut self, path: &Path, name: &str, entry: ProfileEntry) -> Result<(), ConfigError> {
        if let Some(members) = entry.rivals() {
            return Err(ConfigError::Rivals {
                path: path.to_owned(),
                profile: name.to_owned(),
                members,
            });
        }
        if let Some([member, lacks]) = entry.lacks() {
            return Err(ConfigError::Half {
                path: path.to_owned(),
                profile: name.to_owned(),
                member,
                lacks,
            });
        }
        if let Some(profile) = self
            .profiles
            .iter_mut()
            .find(|profile| profile.name == name)
        {
            entry.change(profile);
        } else {
            let profile = entry
                .into_profile(name)
                .map_err(|member| ConfigError::Incomplete {
                    path: path.to_owned(),
                    profile: name.to_owned(),
                    member,
                })?;
            self.profiles.push(profile);
        }
        Ok(())
    }

    /// The profile of this name, or the default one.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn profile(&self, name: Option<&str>) -> Result<&Profile, ConfigError> {
        let name = name.unwrap_or(&self.default_profile);
        let found = self.profiles.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| ConfigError::UnknownProfile {
            name: name.to_owned(),
            known: self.profiles.iter().map(|it| it.name.clone()).collect(),
        })
    }

    /// All profiles.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Where in a Vault OAuth clients are kept: the configured mount and path.
    pub fn vault(&self) -> (Option<&VaultPath>, Option<&VaultPath>) {
        (self.vault.mount.as_ref(), self.vault.path.as_ref())
    }

    /// The authorities to trust instead of the bundled ones, where any are configured.
    pub fn authorities(&self) -> Option<&Authorities> {
        self.authorities.as_ref()
    }

    /// Has the audit log rotated and shipped as it is configured. Where root uses the
    /// configuration of another user, that has no say in root's log.
    ///
    /// # Errors
    /// What was shipped cannot be kept beside the log.
    pub fn apply_to(&self, log: AuditFile) -> Result<AuditFile, AuditError> {
        let rotation = self.own_audit().map(AuditEntry::rotation);
        let log = log.rotating(rotation.unwrap_or_default());
        match self.shipping() {
            Some(shipping) => log.shipping(&shipping),
            None => Ok(log),
        }
    }

    /// Where entries of the audit log are sent as they are written, besides to its file.
    pub fn shipping(&self) -> Option<Shipping> {
        self.own_audit()?.shipping()
    }

    fn own_audit(&self) -> Option<&AuditEntry> {
        self.invoker.is_none().then_some(&self.audit)
    }

    /// The configured secrets directory, with the user whose configuration says so where
    /// root has none and uses theirs.
    pub fn secrets_dir(&self) -> Option<(&Path, Option<&Invoker>)> {
        let path = self.secrets_dir.as_deref()?;
        Some((path, self.invoker.as_ref()))
    }
}

/// What root reads because its user's files lead there is shown line by line where it is
/// wrong: it is no file that only root may read.
fn open_to_all(path: &Path, metadata: &Metadata, user: u32) -> Result<(), ConfigError> {
    if metadata.uid() != 0 || metadata.mode() & 0o004 != 0 {
        return Ok(());
    }
    Err(ConfigError::Unbelievable {
        path: path.to_owned(),
        detail: "only root may read it".to_owned(),
        user,
    })
}
