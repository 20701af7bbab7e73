use std::path::PathBuf;

use crate::users::invoker_of_root;
use tailmint_core::{Environment, Invoker};

/// A file of the user's where it is looked for if none was given.
pub(crate) struct UsualFile {
    pub(crate) path: PathBuf,
    /// Whose it is, where root has none and reads that of the user who ran `sudo`.
    pub(crate) invoker: Option<Invoker>,
}

impl UsualFile {
    /// The file of this name in the directory of configurations. The user's own is there,
    /// or would be; `None` where the user has no home.
    pub(crate) fn find(name: &str, environment: &Environment) -> Option<Self> {
        let in_base = |base: PathBuf| base.join("tailmint").join(name);
        let in_home = |home: PathBuf| in_base(home.join(".config"));
        let own = environment
            .base_directory("XDG_CONFIG_HOME")
            .map(in_base)
            .or_else(|| environment.home().map(in_home));
        let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
        let of_invoker = invoker_of_root(environment).map(|invoker| Self {
            path: in_home(invoker.home.clone()),
            invoker: Some(invoker.clone()),
        });
        let of_invoker = of_invoker.filter(|it| is_there(&it.path));
        match own {
            Some(own) if of_invoker.is_none() || is_there(&own) => Some(Self {
                path: own,
                invoker: None,
            }),
            _ => of_invoker,
        }
    }
}
