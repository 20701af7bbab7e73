use crate::{Credential, Error, OauthClient, Problem};

/// Secrets that were seen are under 100 bytes; a host's placeholder is shorter
/// still. 4 KiB is what the secrets directory allows.
const MAX_SECRET_BYTES: usize = 4096;

/// Ids that were seen have 17 characters.
const MAX_ID_BYTES: usize = 256;

impl Credential {
    /// Rejects what cannot be sent. The value is not repeated.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::ApiKey(key) => check("API key", key, MAX_SECRET_BYTES),
            Self::OauthClient(client) => client.check(),
        }
    }
}

impl OauthClient {
    /// As [`Credential::check`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        check("OAuth client id", &self.id, MAX_ID_BYTES)?;
        check("OAuth client secret", &self.secret, MAX_SECRET_BYTES)
    }
}

fn check(what: &str, value: &str, most: usize) -> Result<(), Error> {
    let wrong = if value.is_empty() {
        "is empty".to_owned()
    } else if value.len() > most {
        format!("is longer than {most} bytes")
    } else if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        "has characters that are not printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::InvalidCredential(Problem {
        message: format!("the {what} {wrong}"),
        hint: format!("give the {what} as Tailscale showed it, without quotes or line ends"),
        status: None,
    }))
}
