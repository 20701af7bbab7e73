use std::{
    io,
    path::{Path, PathBuf},
};

use super::{CredentialError, reach::Reader, system};
use crate::{Profile, users::invoker_of_root};
use tailmint_core::{Environment, Invoker};

/// The directory that has the credential files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsDir {
    path: PathBuf,
    reader: Reader,
}

impl SecretsDir {
    /// The first of: the directory that was given, `$TAILMINT_SECRETS_DIR`, the
    /// configured one (with the user on whose behalf root reads the configuration), `$CREDENTIALS_DIRECTORY` (systemd's, set for a service
    /// that has credentials), `~/secrets`. Where root has no `~/secrets`, that of the
    /// user who ran `sudo`.
    ///
    /// # Errors
    /// There is none of them and no home directory.
    pub fn find(
        given: Option<&Path>,
        configured: Option<(&Path, Option<&Invoker>)>,
        environment: &Environment,
    ) -> Result<Self, CredentialError> {
        let for_user = |path: &Path, user| Self {
            path: path.to_owned(),
            reader: Reader::of_process(environment).on_behalf_of(user),
        };
        if let Some(path) = given {
            return Ok(for_user(path, None));
        }
        if let Some(path) = environment.get("TAILMINT_SECRETS_DIR") {
            return Ok(for_user(Path::new(path), None));
        }
        if let Some((path, invoker)) = configured {
            let user = invoker.map(|invoker| invoker.uid);
            return Ok(for_user(&expand_home(path, invoker, environment)?, user));
        }
        if let Some(path) = environment.get("CREDENTIALS_DIRECTORY") {
            return Ok(for_user(Path::new(path), None));
        }
        let own = environment.home().map(|home| home.join("secrets"));
        let is_there = |path: &Path| system::stat_link(path).is_ok();
        if !own.as_deref().is_some_and(is_there)
            && let Some(invoker) = invoker_of_root(environment)
        {
            let path = invoker.home.join("secrets");
            if is_there(&path) {
                return Ok(for_user(&path, Some(invoker.uid)));
            }
        }
        let own = own.ok_or(CredentialError::NoHome)?;
        Ok(for_user(&own, None))
    }

    /// The directory, and those that links in it to the files of these profiles lead to.
    pub fn with_links<'a>(&self, profiles: impl IntoIterator<Item = &'a Profile>) -> Vec<PathBuf> {
        let files = profiles.into_iter().flat_map(|it| it.credential.files());
        let real = files.filter_map(|name| system::resolve(&self.path.join(name)).ok());
        let directories = real.filter_map(|file| file.parent().map(Path::to_owned));
        [self.path.clone()].into_iter().chain(directories).collect()
    }

    /// Creates it where it is not there, for its owner alone. Every writer does so too, and
    /// says what is wrong: a process that is confined could not any more.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(&self) -> io::Result<()> {
        system::create_directory(&self.path)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }
}

/// A shell expands `~` on a command line; nobody does in a file. It is the home of the
/// one whose file it is.
fn expand_home(
    path: &Path,
    invoker: Option<&Invoker>,
    environment: &Environment,
) -> Result<PathBuf, CredentialError> {
    let Ok(rest) = path.strip_prefix("~") else {
        return Ok(path.to_owned());
    };
    let of_invoker = invoker.map(|invoker| invoker.home.clone());
    let home = of_invoker.or_else(|| environment.home());
    Ok(home.ok_or(CredentialError::NoHome)?.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(given: Option<&str>, configured: Option<&str>, environment: &Environment) -> String {
        let configured = configured.map(|path| (Path::new(path), None));
        SecretsDir::find(given.map(Path::new), configured, environment)
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
