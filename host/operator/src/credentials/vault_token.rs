use super::{
    CredentialError,
    account::secret_of,
    reach::{Content, Reader},
    secret_file,
    shape::Kind,
};
use tailmint::Secret;
use tailmint_core::Environment;

const VARIABLE: &str = "VAULT_TOKEN";

/// Where `vault login` leaves it, in the home directory.
const FILE: &str = ".vault-token";

/// The token for a Vault: the variable's, or that of the file, which is judged as
/// any other file with a secret is.
pub(crate) fn vault_token(environment: &Environment) -> Result<Option<Secret>, CredentialError> {
    let value = match (environment.get(VARIABLE), environment.home()) {
        (Some(value), _) => Kind::VaultToken
            .judge(value.as_encoded_bytes())
            .map(Some)
            .map_err(|wrong| CredentialError::Variable {
                name: VARIABLE,
                wrong,
            })?,
        (None, Some(home)) => {
            let path = home.join(FILE);
            let reader = Reader::of_process(environment);
            secret_file::read(&path, Kind::VaultToken, Content::Secret, &reader)
                .map_err(|wrong| CredentialError::File { path, wrong })?
        }
        (None, None) => None,
    };
    Ok(value.map(secret_of))
}
