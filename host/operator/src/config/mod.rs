//! The configuration file: profiles, and where the secrets are.

mod config_error;
mod file;

use std::path::{Path, PathBuf};

pub use config_error::ConfigError;
pub(crate) use file::read_text;
use file::{File, ProfileEntry, VaultEntry};

use crate::vault::VaultPath;
use crate::{Authorities, Profile};
use tailmint_core::Environment;

/// What is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The profiles: the built-in ones, as changed and added to by the file.
    profiles: Vec<Profile>,
    default_profile: String,
    secrets_dir: Option<PathBuf>,
    authorities: Option<Authorities>,
    vault: VaultEntry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profiles: Profile::built_in().to_vec(),
            default_profile: "bootstrap".to_owned(),
            secrets_dir: None,
            authorities: None,
            vault: VaultEntry::default(),
        }
    }
}

impl Config {
    /// Reads the file that was given, or `tailmint/config.toml` under
    /// `$XDG_CONFIG_HOME` (or `~/.config`), which need not exist.
    ///
    /// # Errors
    /// The file cannot be read or makes no sense.
    pub fn load(given: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        if let Some(path) = given {
            let (text, _) = read_text(path)?.ok_or_else(|| ConfigError::Missing {
                path: path.to_owned(),
            })?;
            return Self::parse(path, &text);
        }
        let Some(path) = Self::default_path(environment) else {
            return Ok(Self::default());
        };
        match read_text(&path)? {
            Some((text, _)) => Self::parse(&path, &text),
            None => Ok(Self::default()),
        }
    }

    /// Where the configuration file is looked for.
    pub fn default_path(environment: &Environment) -> Option<PathBuf> {
        let base = match environment.get("XDG_CONFIG_HOME").map(PathBuf::from) {
            // The XDG specification has relative paths ignored.
            Some(base) if base.is_absolute() => base,
            _ => environment.home()?.join(".config"),
        };
        Some(base.join("tailmint").join("config.toml"))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file = File::parse(path, text)?;
        let mut config = Self {
            authorities: file.authorities(),
            secrets_dir: file.secrets_dir,
            vault: file.vault,
            ..Self::default()
        };
        for (name, entry) in file.profiles {
            config.change(path, &name, entry)?;
        }
        if let Some(name) = file.profile {
            config.profile(Some(&name))?;
            config.default_profile = name;
        }
        Ok(config)
    }

    /// Changes the profile of this name, or adds it.
    fn change(&mut self, path: &Path, name: &str, entry: ProfileEntry) -> Result<(), ConfigError> {
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

    /// The configured secrets directory.
    pub fn secrets_dir(&self) -> Option<&Path> {
        self.secrets_dir.as_deref()
    }
}
