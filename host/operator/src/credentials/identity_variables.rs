use tailmint_core::Environment;

use super::{CredentialError, Wrong};
use crate::{ProfileIdentity, TokenSource};

/// The federated identity that the environment names, in the variables that other programs
/// take it from.
#[derive(Debug)]
pub struct IdentityVariables;

/// Names of one program: of the client id, of the token, and of the audience.
struct Names {
    client_id: &'static str,
    token: &'static str,
    audience: Option<&'static str>,
}

/// Those of Tailscale's containers and of tsnet, and those of Terraform's provider. Without a
/// token they say nothing: the client ids may be those of OAuth clients.
const NAMES: [Names; 2] = [
    Names {
        client_id: "TS_CLIENT_ID",
        token: "TS_ID_TOKEN",
        audience: Some("TS_AUDIENCE"),
    },
    Names {
        client_id: "TAILSCALE_OAUTH_CLIENT_ID",
        token: "TAILSCALE_IDENTITY_TOKEN",
        audience: None,
    },
];

impl IdentityVariables {
    /// Whether there is a token.
    pub fn are_set(environment: &Environment) -> bool {
        NAMES.iter().any(|it| set(environment, it.token).is_some())
    }

    /// The identity, with the variable that its token is in as the source.
    ///
    /// # Errors
    /// The token is there and the client id is not, or a value cannot be used.
    pub(super) fn identity(
        environment: &Environment,
    ) -> Result<Option<ProfileIdentity>, CredentialError> {
        let found = NAMES.iter().find(|it| set(environment, it.token).is_some());
        let Some(names) = found else { return Ok(None) };
        let missing = CredentialError::HalfOfVariables {
            present: names.token,
            missing: names.client_id,
        };
        let client_id = set(environment, names.client_id).ok_or(missing)?;
        // What stands behind a `?` is for `tailscale up`, which has its own.
        let client_id = client_id.split('?').next().unwrap_or_default();
        let wrong = |name, wrong| CredentialError::Variable { name, wrong };
        let client_id = client_id
            .parse()
            .map_err(|_| wrong(names.client_id, Wrong::IdentityId))?;
        let audience = match names.audience {
            Some(name) => set(environment, name)
                .map(|text| text.parse().map_err(|_| wrong(name, Wrong::Audience)))
                .transpose()?,
            None => None,
        };
        let source = TokenSource::Variable(names.token.to_owned());
        Ok(Some(ProfileIdentity::new(client_id, audience, source)))
    }
}

/// The value of a variable that is set and not empty.
fn set<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    let value = environment.get(name)?.to_str()?.trim();
    (!value.is_empty()).then_some(value)
}
