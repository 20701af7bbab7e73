use tailmint_api::{MAX_ID_TOKEN_BYTES, is_key_id};

use crate::{Credential, Error, FederatedIdentity, OauthClient, Problem};

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
            Self::FederatedIdentity(identity) => identity.check(),
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

impl FederatedIdentity {
    /// As [`Credential::check`]. The token may be a placeholder, so that it is not looked
    /// into.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check("identity token", &self.id_token, MAX_ID_TOKEN_BYTES)?;
        if is_key_id(&self.client_id) {
            return Ok(());
        }
        Err(Error::InvalidCredential(Problem {
            message: "this is no client id of a federated identity".to_owned(),
            hint: "give the client id that the admin console shows, such as T123CNTRL-k456CNTRL"
                .to_owned(),
            status: None,
        }))
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
