use std::{
    collections::BTreeMap,
    fs::{Metadata, OpenOptions},
    io::{self, Read},
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Deserializer, de::Error};
use tailmint_api::AUTH_KEYS_SCOPE;
use tailmint_core::Position;

use super::ConfigError;
use crate::vault::VaultPath;
use crate::{Authorities, Profile};
use tailmint::oauth_client::Scope;
use tailmint::{Description, Expiry, KeyCapabilities, KeyProperties, Tag};

/// A configuration with a hundred profiles is under 32 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    pub(super) profile: Option<String>,
    pub(super) secrets_dir: Option<PathBuf>,
    #[serde(rename = "ca-file", deserialize_with = "absolute")]
    authorities: Option<PathBuf>,
    system_certs: bool,
    pub(super) vault: VaultEntry,
    pub(super) profiles: BTreeMap<String, ProfileEntry>,
}

/// Where OAuth clients are kept in a Vault, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct VaultEntry {
    pub(super) mount: Option<VaultPath>,
    pub(super) path: Option<VaultPath>,
}

/// A profile in the file. Absent members are inherited.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct ProfileEntry {
    description: Option<Description>,
    scopes: Option<Vec<Scope>>,
    tags: Option<Vec<Tag>>,
    #[serde(deserialize_with = "file_name")]
    id_file: Option<String>,
    #[serde(deserialize_with = "file_name")]
    secret_file: Option<String>,
    reusable: Option<bool>,
    ephemeral: Option<bool>,
    preauthorized: Option<bool>,
    expiry: Option<Expiry>,
    key_description: Option<Description>,
}

/// Where a run connects is said anew each time, so that no file can lead a later run
/// somewhere else. Authorities can be configured where the policy lets them be.
const FLAG_ONLY: &str = "connect-to";

impl File {
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let syntax = |span: Range<usize>, message| ConfigError::Syntax {
            path: path.to_owned(),
            text: text.to_owned(),
            position: Position::of(text, Some(span.clone())),
            span,
            message,
        };
        let file: Self = toml::from_str(text).map_err(|error| {
            let unknown = format!("unknown field `{FLAG_ONLY}`");
            let message = if error.message().contains(&unknown) {
                format!("{FLAG_ONLY} cannot be configured: it is a flag only")
            } else {
                tailmint_api::one_line(error.message())
            };
            syntax(error.span().unwrap_or_default(), message)
        })?;
        if file.authorities.is_some() && file.system_certs {
            let name = "system-certs";
            let begin = text.find(name).unwrap_or_default();
            let message = "ca-file trusts the authorities in that file and no others".to_owned();
            return Err(syntax(begin..begin + name.len(), message));
        }
        Ok(file)
    }

    /// The authorities to trust instead of the bundled ones.
    pub(super) fn authorities(&self) -> Option<Authorities> {
        match &self.authorities {
            Some(path) => Some(Authorities::File(path.clone())),
            None => self.system_certs.then_some(Authorities::System),
        }
    }
}

impl ProfileEntry {
    pub(super) fn change(self, profile: &mut Profile) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut profile.description, self.description);
        set(&mut profile.scopes, self.scopes);
        set(&mut profile.id_file, self.id_file);
        set(&mut profile.secret_file, self.secret_file);
        if let Some(tags) = self.tags {
            profile.key.capabilities.tags.clone_from(&tags);
            profile.tags = tags;
        }
        let KeyCapabilities {
            reusable,
            ephemeral,
            preauthorized,
            tags: _,
        } = &mut profile.key.capabilities;
        set(reusable, self.reusable);
        set(ephemeral, self.ephemeral);
        set(preauthorized, self.preauthorized);
        set(&mut profile.key.expiry, self.expiry);
        if self.key_description.is_some() {
            profile.key.description = self.key_description;
        }
    }

    /// A new profile, or the member that it cannot be without.
    pub(super) fn into_profile(mut self, name: &str) -> Result<Profile, &'static str> {
        let tags = self.tags.take().ok_or("tags")?;
        let mut profile = Profile {
            name: name.to_owned(),
            description: match self.description.take() {
                Some(description) => description,
                None => name.parse().map_err(|_| "description")?,
            },
            scopes: vec![AUTH_KEYS_SCOPE.parse().expect("a scope")],
            id_file: self.id_file.take().ok_or("id-file")?,
            secret_file: self.secret_file.take().ok_or("secret-file")?,
            key: KeyProperties::for_tags(tags.clone()),
            tags,
        };
        self.change(&mut profile);
        Ok(profile)
    }
}

/// A name in the secrets directory: not a path, which could lead out of it.
fn file_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(D::Error::custom(
            "give the name of a file in the secrets directory, not a path",
        ));
    }
    Ok(Some(name))
}

/// A path that is the same wherever the command is run.
fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(D::Error::custom("give a path that begins with /"))
    }
}

/// The file's text with what the system says of it, or `None` if there is no such file.
/// It is opened once, and what was opened is judged.
pub(crate) fn read_text(path: &Path) -> Result<Option<(String, Metadata)>, ConfigError> {
    let unreadable = |detail: String| ConfigError::Unreadable {
        path: path.to_owned(),
        detail,
    };
    // Opening a pipe would wait for someone to write.
    let flags = (OFlags::CLOEXEC | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let metadata = file
        .metadata()
        .map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("it is longer than {MAX_BYTES} bytes")));
    }
    match String::from_utf8(text) {
        Ok(text) => Ok(Some((text, metadata))),
        Err(_) => Err(unreadable("it is not UTF-8".to_owned())),
    }
}
