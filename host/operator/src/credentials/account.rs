use std::os::unix::ffi::OsStrExt;

use zeroize::Zeroizing;

use super::{
    ClientFiles, CredentialError, SecretsDir, Wrong,
    secret_file::{self, Privacy},
    shape::Kind,
};
use crate::Profile;
use tailmint::{Account, Credential, Secret};
use tailmint_core::Environment;

const KEY: &str = "TAILSCALE_API_KEY";
const TAILNET: &str = "TAILSCALE_TAILNET";

/// The profile's OAuth client from the secrets directory; where neither of
/// its files is there, `$TAILSCALE_API_KEY` with `$TAILSCALE_TAILNET`.
///
/// Half of either pair is an error: what was meant to be there and is not
/// would otherwise be passed over in silence.
///
/// # Errors
/// There is no whole pair, or a value cannot be used.
pub fn account_for_profile(
    profile: &Profile,
    directory: &SecretsDir,
    environment: &Environment,
) -> Result<Account, CredentialError> {
    let files = ClientFiles::new(profile, directory);
    let (id_path, secret_path) = (files.current_id_path(), files.secret_path().to_owned());
    let read = |path: &std::path::Path, kind, privacy| {
        secret_file::read(path, kind, privacy).map_err(|wrong| CredentialError::File {
            path: path.to_owned(),
            wrong,
        })
    };
    let id = read(&id_path, Kind::ClientId, Privacy::Readable)?;
    let secret = read(&secret_path, Kind::ClientSecret, directory.privacy())?;
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Account::new(Credential::OauthClient {
            id: id.to_string(),
            secret: secret_of(secret),
        })
        .with_origin(secret_path.display().to_string())),
        (Some(_), None) => Err(CredentialError::HalfOfFiles {
            present: id_path,
            missing: secret_path,
        }),
        (None, Some(_)) => Err(CredentialError::HalfOfFiles {
            present: secret_path,
            missing: id_path,
        }),
        (None, None) => match account_from_env(environment)? {
            Some(account) => Ok(account),
            None => Err(CredentialError::None {
                id: id_path,
                secret: secret_path,
            }),
        },
    }
}

/// All that is wrong with the profile's credential, where [`account_for_profile`]
/// tells the first.
pub(crate) fn all_wrong(
    profile: &Profile,
    directory: &SecretsDir,
    environment: &Environment,
) -> Vec<CredentialError> {
    let files = ClientFiles::new(profile, directory);
    let mut wrong = Vec::new();
    for (path, kind, privacy) in [
        (files.current_id_path(), Kind::ClientId, Privacy::Readable),
        (
            files.secret_path().to_owned(),
            Kind::ClientSecret,
            directory.privacy(),
        ),
    ] {
        if let Err(it) = secret_file::read(&path, kind, privacy) {
            wrong.push(CredentialError::File { path, wrong: it });
        }
    }
    if wrong.is_empty() {
        wrong.extend(account_for_profile(profile, directory, environment).err());
    }
    wrong
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
    let key = Kind::ApiKey
        .judge(key.as_bytes())
        .map_err(|wrong| CredentialError::Variable { name: KEY, wrong })?;
    let tailnet = tailnet.to_str().and_then(|name| name.trim().parse().ok());
    let tailnet = tailnet.ok_or(CredentialError::Variable {
        name: TAILNET,
        wrong: Wrong::Tailnet,
    })?;
    let key = secret_of(key);
    let account = Account::new(Credential::ApiKey { key });
    Ok(Some(
        account.with_tailnet(tailnet).with_origin(format!("${KEY}")),
    ))
}

/// The secret of an OAuth client that did not come from a file.
pub(crate) fn client_secret(value: &[u8]) -> Result<Secret, Wrong> {
    Kind::ClientSecret.judge(value).map(secret_of)
}

fn secret_of(mut value: Zeroizing<String>) -> Secret {
    Secret::new(std::mem::take(&mut value))
}
