use std::{env, fs};

use serde::{Deserialize, Serialize};

use crate::Hidden;

/// Who asks: it creates what the run needs, and removes it.
#[derive(Clone)]
pub enum Credential {
    /// An API key of a user.
    ApiKey(Hidden),
    /// The secret of an OAuth client, which has its id in it.
    OauthClient(Hidden),
}

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// An API key of a user.
    ApiKey,
    /// An OAuth client.
    OauthClient,
}

/// The variables that are read. Each has the value, or `file:` and a path.
const API_KEY: &str = "TAILSCALE_API_KEY";
const CLIENT_SECRET: &str = "TAILSCALE_OAUTH_CLIENT_SECRET";

impl Credential {
    /// Takes it from `TAILSCALE_API_KEY` or `TAILSCALE_OAUTH_CLIENT_SECRET`.
    ///
    /// # Errors
    /// Neither is set, both are, or a file cannot be read. The text names the variable, and
    /// never its value.
    pub fn from_environment() -> Result<Self, String> {
        match (variable(API_KEY)?, variable(CLIENT_SECRET)?) {
            (Some(key), None) => Ok(Self::ApiKey(key)),
            (None, Some(secret)) => Ok(Self::OauthClient(secret)),
            (Some(_), Some(_)) => Err(format!(
                "{API_KEY} and {CLIENT_SECRET} are both set: keep one"
            )),
            (None, None) => Err(format!(
                "set {API_KEY} or {CLIENT_SECRET}, to the value or to file:PATH"
            )),
        }
    }

    pub(crate) fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey(_) => CredentialKind::ApiKey,
            Self::OauthClient(_) => CredentialKind::OauthClient,
        }
    }
}

fn variable(name: &str) -> Result<Option<Hidden>, String> {
    let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value
        .into_string()
        .map_err(|_| format!("{name} is not UTF-8"))?;
    let text = match value.strip_prefix("file:") {
        None => value,
        Some(path) => {
            fs::read_to_string(path).map_err(|error| format!("{name}: {path}: {error}"))?
        }
    };
    Ok(Some(Hidden::new(text.trim())))
}
