use std::{os::unix::ffi::OsStrExt, path::Path};

use super::{
    ClientFiles, CredentialError, SecretsDir, Wrong,
    reach::Content,
    secret_file,
    shape::{Kind, Value},
};
use crate::Profile;
use tailmint::{Account, Credential, Secret};
use tailmint_core::Environment;

const KEY: &str = "TAILSCALE_API_KEY";
const TAILNET: &str = "TAILSCALE_TAILNET";

/// The files of the secrets directory that have the same as the two variables.
pub(super) const KEY_FILE: &str = "tailscale-api-key";
pub(super) const TAILNET_FILE: &str = "tailscale-tailnet";

/// How often the pair is read while another process rotates it. A rotation changes it at two
/// moments, and then waits for the API.
const ATTEMPTS: usize = 5;

/// The OAuth client in the profile's files, if there is one.
///
/// # Errors
/// Only half of the pair is there, a value cannot be used, or the profile has commands
/// instead.
pub fn client_from_files(
    profile: &Profile,
    directory: &SecretsDir,
) -> Result<Option<Account>, CredentialError> {
    let files = ClientFiles::new(profile, directory)?;
    let mut before = files.state();
    for _ in 1..ATTEMPTS {
        let read = client_in(&files, directory);
        let after = files.state();
        if before == after || !is_torn(&read) {
            return read;
        }
        before = after;
    }
    client_in(&files, directory)
}

/// Whether this may be half of what was there before a rotation, and half of what is there
/// after it.
fn is_torn(read: &Result<Option<Account>, CredentialError>) -> bool {
    match read {
        Err(CredentialError::HalfOfFiles { .. }) => true,
        Err(CredentialError::File { wrong, .. }) => *wrong == Wrong::Removed,
        Err(_) | Ok(None) => false,
        Ok(Some(account)) => match &account.credential {
            // The secret of a client names it.
            Credential::OauthClient { id, secret } => secret
                .expose_secret()
                .split('-')
                .nth(2)
                .is_some_and(|named| named != id),
            Credential::ApiKey { .. } | Credential::FederatedIdentity { .. } => false,
        },
    }
}

fn client_in(
    files: &ClientFiles,
    directory: &SecretsDir,
) -> Result<Option<Account>, CredentialError> {
    let (id_path, secret_path) = (files.current_id_path()?, files.secret_path());
    let id = read(&id_path, Kind::ClientId, Content::Public, directory)?;
    let secret = read(secret_path, Kind::ClientSecret, Content::Secret, directory)?;
    let both = pair((&id_path, id), (secret_path, secret))?;
    let shown = |path: &Path| path.display().to_string();
    Ok(both.map(|(id, secret)| client_of((shown(&id_path), id), (shown(secret_path), secret))))
}

/// The client of two values, each with where it comes from.
pub(super) fn client_of(id: (String, Value), secret: (String, Value)) -> Account {
    let notes = [&id, &secret].map(|(origin, value)| note_about(origin, value));
    let ((_, id), (origin, secret)) = (id, secret);
    let account = Account::new(Credential::OauthClient {
        id: id.text.to_string(),
        secret: secret_of(secret),
    });
    account
        .with_origin(origin)
        .with_notes(notes.into_iter().flatten())
}

/// The API key in the files of the secrets directory, if there is one.
pub(super) fn api_key_from_files(
    directory: &SecretsDir,
) -> Result<Option<Account>, CredentialError> {
    let in_directory = |name: &str| directory.path().join(name);
    let (key_path, tailnet_path) = (in_directory(KEY_FILE), in_directory(TAILNET_FILE));
    let key = read(&key_path, Kind::ApiKey, Content::Secret, directory)?;
    let tailnet = read(&tailnet_path, Kind::Tailnet, Content::Public, directory)?;
    let Some((key, tailnet)) = pair((&key_path, key), (&tailnet_path, tailnet))? else {
        return Ok(None);
    };
    let notes = [note(&key_path, &key), note(&tailnet_path, &tailnet)];
    let tailnet = tailnet.text.parse().map_err(|_| CredentialError::File {
        path: tailnet_path,
        wrong: Wrong::Tailnet,
    })?;
    let account = Account::new(Credential::ApiKey {
        key: secret_of(key),
    });
    Ok(Some(
        account
            .with_tailnet(tailnet)
            .with_origin(key_path.display().to_string())
            .with_notes(notes.into_iter().flatten()),
    ))
}

pub(super) fn read(
    path: &Path,
    kind: Kind,
    content: Content,
    directory: &SecretsDir,
) -> Result<Option<Value>, CredentialError> {
    secret_file::read(path, kind, content, directory.reader()).map_err(|wrong| {
        CredentialError::File {
            path: path.to_owned(),
            wrong,
        }
    })
}

/// Both values, or neither.
fn pair(
    (first_path, first): (&Path, Option<Value>),
    (second_path, second): (&Path, Option<Value>),
) -> Result<Option<(Value, Value)>, CredentialError> {
    let half = |present: &Path, missing: &Path| CredentialError::HalfOfFiles {
        present: present.to_owned(),
        missing: missing.to_owned(),
    };
    match (first, second) {
        (Some(first), Some(second)) => Ok(Some((first, second))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(first_path, second_path)),
        (None, Some(_)) => Err(half(second_path, first_path)),
    }
}

fn note(path: &Path, value: &Value) -> Option<String> {
    note_about(&path.display().to_string(), value)
}

/// What to tell where a value is not bare.
fn note_about(origin: &str, value: &Value) -> Option<String> {
    value
        .was_wrapped
        .then(|| format!("{origin}: quotes and blanks around the value are left out"))
}

/// The API key of the environment, if there is one.
///
/// # Errors
/// Only half of the pair is set, or a value cannot be used.
pub fn account_from_env(environment: &Environment) -> Result<Option<Account>, CredentialError> {
    let (key, tailnet) = match (environment.get(KEY), environment.get(TAILNET)) {
        (None, None) => return Ok(None),
        (Some(key), Some(tailnet)) => (key, tailnet),
        (Some(_), None) => {
            return Err(CredentialError::HalfOfVariables {
                present: KEY,
                missing: TAILNET,
            });
        }
        (None, Some(_)) => {
            return Err(CredentialError::HalfOfVariables {
                present: TAILNET,
                missing: KEY,
            });
        }
    };
    let wrong = |name| move |wrong| CredentialError::Variable { name, wrong };
    let key = Kind::ApiKey.judge(key.as_bytes()).map_err(wrong(KEY))?;
    let tailnet = Kind::Tailnet.judge(tailnet.as_bytes());
    let tailnet = tailnet.map_err(wrong(TAILNET))?;
    let notes = [(KEY, &key), (TAILNET, &tailnet)];
    let notes = notes.map(|(name, value)| note_about(&format!("${name}"), value));
    let tailnet = tailnet.text.parse();
    let tailnet = tailnet.map_err(|_| wrong(TAILNET)(Wrong::Tailnet))?;
    let account = Account::new(Credential::ApiKey {
        key: secret_of(key),
    });
    Ok(Some(
        account
            .with_tailnet(tailnet)
            .with_origin(format!("${KEY}"))
            .with_notes(notes.into_iter().flatten()),
    ))
}

/// The secret of an OAuth client that did not come from a file.
pub(crate) fn client_secret(value: &[u8]) -> Result<Secret, Wrong> {
    Kind::ClientSecret.judge(value).map(secret_of)
}

pub(super) fn secret_of(mut value: Value) -> Secret {
    Secret::new(std::mem::take(&mut *value.text))
}
