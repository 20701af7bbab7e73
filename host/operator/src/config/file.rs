use std::{
    collections::BTreeMap,
    fs::Metadata,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error};
use tailmint_api::{AUTH_KEYS_SCOPE, OutsideText};
use tailmint_core::{Invoker, Position};

use super::ConfigError;
use crate::vault::VaultPath;
use crate::{
    Authorities, CredentialCommand, Profile, Source, Unsound, UnsoundFile, sound_file,
    tailscale::UpArguments,
};
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
    #[serde(deserialize_with = "command")]
    id_command: Option<CredentialCommand>,
    #[serde(deserialize_with = "command")]
    secret_command: Option<CredentialCommand>,
    reusable: Option<bool>,
    ephemeral: Option<bool>,
    preauthorized: Option<bool>,
    expiry: Option<Expiry>,
    key_description: Option<Description>,
    up: Option<UpArguments>,
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
        #[expect(clippy::disallowed_methods, reason = "its words become `OutsideText`")]
        let file: Self = toml::from_str(text).map_err(|error| {
            let unknown = format!("unknown field `{FLAG_ONLY}`");
            let message = if error.message().contains(&unknown) {
                OutsideText::of(format_args!(
                    "{FLAG_ONLY} cannot be configured: it is a flag only"
                ))
            } else {
                OutsideText::new(error.message())
            };
            syntax(error.span().unwrap_or_default(), message)
        })?;
        if file.authorities.is_some() && file.system_certs {
            let name = "system-certs";
            let begin = text.find(name).unwrap_or_default();
            let message =
                OutsideText::new("ca-file trusts the authorities in that file and no others");
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
    /// Two members of which only one can say where a value comes from, where both do.
    pub(super) fn rivals(&self) -> Option<[&'static str; 2]> {
        if self.id_file.is_some() && self.id_command.is_some() {
            Some(["id-file", "id-command"])
        } else if self.secret_file.is_some() && self.secret_command.is_some() {
            Some(["secret-file", "secret-command"])
        } else {
            None
        }
    }

    /// The same for a file that root reads on behalf of this user, who then runs the
    /// commands.
    pub(super) fn on_behalf_of(mut self, user: &Invoker) -> Self {
        let commands = [&mut self.id_command, &mut self.secret_command];
        for command in commands.into_iter().flatten() {
            command.user = Some(user.clone());
        }
        self
    }

    pub(super) fn change(self, profile: &mut Profile) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut profile.description, self.description);
        set(&mut profile.scopes, self.scopes);
        set(&mut profile.id, source(self.id_file, self.id_command));
        let secret = source(self.secret_file, self.secret_command);
        set(&mut profile.secret, secret);
        set(&mut profile.up, self.up);
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
            id: source(self.id_file.take(), self.id_command.take()).ok_or("id-file")?,
            secret: source(self.secret_file.take(), self.secret_command.take())
                .ok_or("secret-file")?,
            key: KeyProperties::for_tags(tags.clone()),
            up: UpArguments::default(),
            tags,
        };
        self.change(&mut profile);
        Ok(profile)
    }
}

fn source(file: Option<String>, command: Option<CredentialCommand>) -> Option<Source> {
    file.map(Source::File).or(command.map(Source::Command))
}

fn command<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<CredentialCommand>, D::Error> {
    let words = Vec::deserialize(deserializer)?;
    let command = CredentialCommand::new(words).map_err(D::Error::custom)?;
    Ok(Some(command))
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
pub(super) fn read_text(
    path: &Path,
    users: &[u32],
) -> Result<Option<(String, Metadata)>, ConfigError> {
    let file = sound_file::read(path, MAX_BYTES, users).map_err(|error| match error {
        UnsoundFile {
            path,
            unsound: Unsound::Unreadable { detail },
        } => ConfigError::Unreadable { path, detail },
        error => ConfigError::Unsound(error),
    })?;
    let Some(file) = file else { return Ok(None) };
    match String::from_utf8(file.bytes) {
        Ok(text) => Ok(Some((text, file.metadata))),
        Err(_) => Err(ConfigError::Unreadable {
            path: path.to_owned(),
            detail: "it is not UTF-8".to_owned(),
        }),
    }
}
