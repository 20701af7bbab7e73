use serde::Deserialize;
use std::collections::BTreeMap;
use tailmint_api::is_key_id;
use zeroize::Zeroizing;

use super::{ClientsError, terraform::resource_name};
use crate::Profile;
use crate::credentials::{
    ClientFiles, CredentialError, Presence, SecretsDir, Stray, Written, client_secret,
};
use tailmint::{Interrupt, KeyId, Secret};

/// What `terraform output -json` prints about one output. The secret is wiped with
/// it.
#[derive(Deserialize)]
struct Output {
    value: Zeroizing<String>,
}

/// The profile's client among what `terraform output -json` printed, written to the
/// profile's files: both or neither. `None` where it is not among them. `tell` is told of
/// the clients that go out of the files by that.
///
/// # Errors
/// The profile's name is that of another there, the text is something else, half of the pair is missing, or the files are there
/// (unless `replace`) or cannot be written.
pub async fn import(
    text: &str,
    profile: &Profile,
    all: &[Profile],
    secrets_dir: &SecretsDir,
    replace: bool,
    interrupt: &Interrupt,
    tell: &dyn Fn(&Stray),
) -> Result<Option<KeyId>, ClientsError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "of its error only the line is shown"
    )]
    let outputs: BTreeMap<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| ClientsError::Import(format!("line {}", error.line())))?;
    let name = resource_name(&profile.name, all)?;
    let value = |part: &str| -> Result<Option<Zeroizing<String>>, ClientsError> {
        let name = format!("{name}_{part}");
        let Some(output) = outputs.get(&name) else {
            return Ok(None);
        };
        let output = Output::deserialize(output)
            .map_err(|_| ClientsError::Import(format!("{name} has no text for a value")))?;
        Ok(Some(output.value))
    };
    let (id, secret) = match (value("id")?, value("secret")?) {
        (None, None) => return Ok(None),
        (Some(id), Some(secret)) => (id, secret),
        (Some(_), None) => return Err(ClientsError::Import(format!("{name}_secret is missing"))),
        (None, Some(_)) => return Err(ClientsError::Import(format!("{name}_id is missing"))),
    };
    let id: KeyId = Some(id.as_str())
        .filter(|id| is_key_id(id))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| ClientsError::Import(format!("{name}_id is not an OAuth client's id")))?;
    let secret: Secret = client_secret(secret.as_bytes())
        .map_err(|wrong| ClientsError::Import(format!("{name}_secret: {wrong}")))?;
    let files = ClientFiles::new(profile, secrets_dir)?;
    let held = files.hold(interrupt, tell).await?;
    if !replace && files.presence()? != Presence::Neither {
        let path = files.secret_path().to_owned();
        return Err(CredentialError::Present { path }.into());
    }
    let replaced = files.named_ids()?;
    let written = files.write(&held, id.as_str(), &secret)?;
    for replaced in replaced.into_iter().filter(|replaced| *replaced != id) {
        tell(&Stray::Replaced(replaced));
    }
    match written {
        Written::Whole => Ok(Some(id)),
        Written::OneStepLeft { path, detail } => Err(ClientsError::OneStepLeft {
            id,
            old: None,
            path,
            detail,
        }),
    }
}
