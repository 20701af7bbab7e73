use std::path::{Path, PathBuf};

use super::{CredentialError, secret_file::Privacy};
use tailmint_core::Environment;

/// The directory that has the credential files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsDir {
    path: PathBuf,
    of_systemd: bool,
}

impl SecretsDir {
    /// The first of: the directory that was given, `$TAILMINT_SECRETS_DIR`, the
    /// configured one, `$CREDENTIALS_DIRECTORY` (systemd's, set for a service
    /// that has credentials), `~/secrets`.
    ///
    /// # Errors
    /// There is none of them and no home directory.
    pub fn find(
        given: Option<&Path>,
        configured: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, CredentialError> {
        let plain = |path: &Path| Self {
            path: path.to_owned(),
            of_systemd: false,
        };
        if let Some(path) = given {
            return Ok(plain(path));
        }
        if let Some(path) = environment.get("TAILMINT_SECRETS_DIR") {
            return Ok(plain(Path::new(path)));
        }
        if let Some(path) = configured {
            return Ok(plain(&expand_home(path, environment)?));
        }
        if let Some(path) = environment.get("CREDENTIALS_DIRECTORY") {
            return Ok(Self {
                path: path.into(),
                of_systemd: true,
            });
        }
        let home = environment.home().ok_or(CredentialError::NoHome)?;
        Ok(plain(&home.join("secrets")))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn privacy(&self) -> Privacy {
        if self.of_systemd {
            Privacy::OwnerAndReadingGroup
        } else {
            Privacy::Owner
        }
    }
}

/// A shell expands `~` on a command line; nobody does in a file.
fn expand_home(path: &Path, environment: &Environment) -> Result<PathBuf, CredentialError> {
    match path.strip_prefix("~") {
        Ok(rest) => Ok(environment
            .home()
            .ok_or(CredentialError::NoHome)?
            .join(rest)),
        Err(_) => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(given: Option<&str>, configured: Option<&str>, environment: &Environment) -> String {
        SecretsDir::find(given.map(Path::new), configured.map(Path::new), environment)
            .unwrap()
            .path
            .display()
            .to_string()
    }

    #[test]
    fn the_nearest_to_the_user_wins() {
        let all = Environment::from([
            ("HOME", "/home/u"),
            ("TAILMINT_SECRETS_DIR", "/variable"),
            ("CREDENTIALS_DIRECTORY", "/systemd"),
        ]);
        let systemd =
            Environment::from([("HOME", "/home/u"), ("CREDENTIALS_DIRECTORY", "/systemd")]);
        let home = Environment::from([("HOME", "/home/u")]);
        assert_eq!(found(Some("/given"), Some("/configured"), &all), "/given");
        assert_eq!(found(None, Some("/configured"), &all), "/variable");
        assert_eq!(found(None, Some("/configured"), &systemd), "/configured");
        assert_eq!(found(None, Some("~/mine"), &home), "/home/u/mine");
        assert_eq!(found(None, None, &systemd), "/systemd");
        assert_eq!(found(None, None, &home), "/home/u/secrets");
        let none = Environment::default();
        assert_eq!(
            SecretsDir::find(None, None, &none),
            Err(CredentialError::NoHome)
        );
    }
}
