use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// The environment variables that a program was started with, as a value: the
/// library reads no others. With them, what the system's table of users says about who
/// started it, where somebody looked that up.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    invoker: Option<Invoker>,
}

/// The user who had this program run as another one, by `sudo` for example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoker {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: u32,
    /// The user's name.
    pub name: String,
    /// The user's home directory.
    pub home: PathBuf,
}

impl Environment {
    /// The variables of this process.
    pub fn from_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The same with the home directory that the table of users has for the user.
    #[must_use]
    pub fn with_home(self, home: PathBuf) -> Self {
        Self {
            home: Some(home),
            ..self
        }
    }

    /// The same for a program that this user had run as another one.
    #[must_use]
    pub fn with_invoker(self, invoker: Invoker) -> Self {
        Self {
            invoker: Some(invoker),
            ..self
        }
    }

    /// The variable, where it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// Who had this program run as another user, if somebody did.
    pub fn invoker(&self) -> Option<&Invoker> {
        self.invoker.as_ref()
    }

    /// The user's home directory: that of `$HOME`, or the one in the table of users.
    pub fn home(&self) -> Option<PathBuf> {
        self.home_variable().or_else(|| self.home.clone())
    }

    /// The home directory of `$HOME`. The invoker's, which `sudo -E` leaves there, is not
    /// the user's.
    pub fn home_variable(&self) -> Option<PathBuf> {
        let home = self.get("HOME").map(PathBuf::from);
        home.filter(|home| !self.is_of_invoker(home))
    }

    /// The absolute path of a variable of the XDG specification, which has relative ones
    /// ignored. One in the invoker's home directory is not the user's.
    pub fn base_directory(&self, name: &str) -> Option<PathBuf> {
        let path = self.get(name).map(PathBuf::from)?;
        (path.is_absolute() && !self.is_of_invoker(&path)).then_some(path)
    }

    fn is_of_invoker(&self, path: &Path) -> bool {
        let invoker = self.invoker.as_ref();
        invoker.is_some_and(|it| it.home.parent().is_some() && path.starts_with(&it.home))
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_invokers_is_not_the_users() {
        let kept = Environment::from([
            ("HOME", "/home/me/"),
            ("XDG_STATE_HOME", "/home/me/.local/state"),
            ("XDG_CONFIG_HOME", "/etc/xdg"),
        ]);
        assert_eq!(kept.home(), Some("/home/me".into()));
        let sudo = kept.with_home("/root".into()).with_invoker(Invoker {
            uid: 1000,
            gid: 1000,
            name: "me".to_owned(),
            home: "/home/me".into(),
        });
        assert_eq!(sudo.home_variable(), None);
        assert_eq!(sudo.home(), Some("/root".into()));
        assert_eq!(sudo.base_directory("XDG_STATE_HOME"), None);
        let elsewhere = sudo.base_directory("XDG_CONFIG_HOME");
        assert_eq!(elsewhere, Some("/etc/xdg".into()));
    }

    #[test]
    fn a_variable_that_is_empty_is_not_set() {
        let environment = Environment::from([("A", "value"), ("EMPTY", "")]);
        assert_eq!(environment.get("A"), Some(OsStr::new("value")));
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("OTHER"), None);
        // Names only.
        assert_eq!(format!("{environment:?}"), r#"{"A", "EMPTY"}"#);
        let own = Environment::from_process();
        assert_eq!(own.get("PATH"), std::env::var_os("PATH").as_deref());
        assert!(own.get("PATH").is_some());
    }

    #[test]
    fn a_relative_path_is_no_base_directory() {
        let environment = Environment::from([("A", "relative"), ("B", "/absolute")]);
        assert_eq!(environment.base_directory("A"), None);
        assert_eq!(environment.base_directory("B"), Some("/absolute".into()));
        assert_eq!(environment.base_directory("C"), None);
    }

    #[test]
    fn an_invoker_without_a_home_of_their_own_takes_nothing_away() {
        let invoker = Invoker {
            uid: 1000,
            gid: 1000,
            name: "me".to_owned(),
            home: "/".into(),
        };
        let environment = Environment::from([("HOME", "/root")]).with_invoker(invoker.clone());
        assert_eq!(environment.invoker(), Some(&invoker));
        assert_eq!(environment.home(), Some("/root".into()));
        assert_eq!(Environment::default().invoker(), None);
        assert_eq!(Environment::default().home(), None);
    }
}
