//! The units of systemd that join a machine at boot and keep it joined, for machines that
//! have tailmint from no package. The packages carry the same text.

mod last_end;
mod service_error;
mod systemd;
mod unit_status;
mod units;
mod written;

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use tailmint_core::Environment;
use tempfile::NamedTempFile;

pub use last_end::LastEnd;
pub use service_error::ServiceError;
pub use systemd::Systemd;
pub use unit_status::UnitStatus;

use crate::{
    CredentialCommand, Profile, ProfileCredential, Source, TokenSource, config::Config, sound_file,
};
use units::{NAMES, TMPFILES, UNIT, texts};
use written::{Found, found, with_mark};

/// Where an administrator puts units of programs that no package brought. Unlike those in
/// `/etc`, `systemctl mask` and `systemctl edit` treat them as a package's.
const UNITS: &str = "usr/local/lib/systemd/system";

/// Its neighbour, for the directories that the units read.
const TMPFILES_DIRECTORY: &str = "usr/local/lib/tmpfiles.d";

/// Where else systemd finds units, of packages and of persons.
const ELSEWHERE: [&str; 4] = [
    "etc/systemd/system",
    "run/systemd/system",
    PACKAGED[0],
    PACKAGED[1],
];

/// Those of packages. systemd looks into them last of all.
const PACKAGED: [&str; 2] = ["usr/lib/systemd/system", "lib/systemd/system"];

/// What the unit does not see of the machine: `ProtectHome=yes` and `PrivateTmp=yes`.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// The units in the file system of a machine: of this one, or of one that is prepared in a
/// directory.
#[derive(Clone, Debug)]
pub struct Service {
    root: PathBuf,
}

/// What is to be written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Installation {
    /// The files to be written, with what is to be in them: first those that the unit needs.
    files: Vec<(PathBuf, String)>,
    /// The files that are there already, with the same in them.
    pub unchanged: Vec<PathBuf>,
    /// The variable that the profile reads its identity token from. The unit sets none.
    pub variable: Option<String>,
}

impl Service {
    /// The unit that is enabled and started.
    pub const UNIT: &str = UNIT;
    /// All units.
    pub const UNITS: &[&str] = &NAMES;

    /// The units of the machine whose files are below this directory: `/` is this machine.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// What has to be written so that the units run this program as it is seen on that
    /// machine, with the profile of this name or the default one of
    /// `/etc/tailmint/config.toml`. Writes nothing.
    ///
    /// # Errors
    /// There is a unit that something else put there, or one that was changed since; the
    /// unit could not run the program, or others could change it; the unit could not see what
    /// the profile reads; or the configuration makes no sense.
    pub fn installation(
        &self,
        program: &Path,
        profile: Option<&str>,
    ) -> Result<Installation, ServiceError> {
        self.look_elsewhere()?;
        self.judge_program(program)?;
        let config = self.config()?;
        let named = config.profile(profile)?;
        judge_profile(named)?;
        let texts = texts(program, profile, named)?;
        let mut installation = Installation {
            files: Vec::new(),
            unchanged: Vec::new(),
            variable: variable_of(named),
        };
        for (name, text) in texts {
            let path = self.path(name)?;
            let text = with_mark(&text);
            match found(&path)? {
                Found::Own(own) if own == text => installation.unchanged.push(path),
                Found::Nothing | Found::Own(_) => installation.files.push((path, text)),
                Found::Changed => return Err(ServiceError::Changed { path }),
                Found::Other => return Err(ServiceError::Foreign { path }),
            }
        }
        Ok(installation)
    }

    /// The files that were written here and are to be removed: the unit first.
    ///
    /// # Errors
    /// There is none, or one of them was changed since, or something else put it there.
    pub fn removal(&self) -> Result<Vec<PathBuf>, ServiceError> {
        let mut files = Vec::new();
        for name in NAMES.into_iter().chain([TMPFILES]) {
            let path = self.path(name)?;
            match found(&path)? {
                Found::Nothing => {}
                Found::Own(_) => files.push(path),
                Found::Changed => return Err(ServiceError::Changed { path }),
                Found::Other => return Err(ServiceError::Foreign { path }),
            }
        }
        if files.is_empty() {
            self.look_elsewhere()?;
            return Err(ServiceError::NotInstalled);
        }
        Ok(files)
    }

    /// Those of all units that these files are. systemd fails where it is told of a unit that
    /// it does not find.
    pub fn units_of(files: &[PathBuf]) -> impl Iterator<Item = &'static str> {
        let is_there = |unit: &&str| files.iter().any(|file| file.ends_with(unit));
        NAMES.into_iter().filter(is_there)
    }

    /// Where the file that tells which directories there have to be is.
    ///
    /// # Errors
    /// A link leads its directory out of that machine.
    pub fn tmpfiles(&self) -> Result<PathBuf, ServiceError> {
        self.path(TMPFILES)
    }

    fn path(&self, name: &str) -> Result<PathBuf, ServiceError> {
        let directory = if name == TMPFILES {
            TMPFILES_DIRECTORY
        } else {
            UNITS
        };
        Ok(self.below(directory)?.join(name))
    }

    /// The path of that machine. An absolute link in an image is one of the machine that it is
    /// for: here it would lead to a file of this machine.
    fn below(&self, name: impl AsRef<Path>) -> Result<PathBuf, ServiceError> {
        let name = name.as_ref();
        let path = self.root.join(name);
        // Where there is no such directory there is no link.
        let Ok(root) = self.root.canonicalize() else {
            return Ok(path);
        };
        // Everything is below this one.
        if root == Path::new("/") {
            return Ok(path);
        }
        let mut way = self.root.clone();
        for part in name {
            way.push(part);
            let leads_out = || {
                way.canonicalize()
                    .map_or(true, |real| !real.starts_with(&root))
            };
            if way.is_symlink() && leads_out() {
                return Err(ServiceError::LeadsOut {
                    link: way,
                    root: self.root.clone(),
                });
            }
        }
        Ok(path)
    }

    /// What the unit reads there: the configuration of root, and no user's.
    fn config(&self) -> Result<Config, ServiceError> {
        self.below("etc/tailmint/config.toml")?;
        let base = self.root.join("etc").into_os_string();
        let environment: Environment = [("XDG_CONFIG_HOME".into(), base)].into_iter().collect();
        Ok(Config::load(None, &environment)?)
    }

    /// Whether something else put the unit where systemd finds it.
    fn look_elsewhere(&self) -> Result<(), ServiceError> {
        match self.elsewhere()? {
            Some(path) if is_mask(&path) => Err(ServiceError::Masked { path }),
            Some(path) => Err(ServiceError::Elsewhere { path }),
            None => Ok(()),
        }
    }

    /// The unit that something else put where systemd finds it, if there is one.
    fn elsewhere(&self) -> Result<Option<PathBuf>, ServiceError> {
        for directory in ELSEWHERE {
            let path = self.below(directory)?.join(UNIT);
            if path.symlink_metadata().is_ok() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The unit that is in effect without the one that is written here: none where it is masked.
    ///
    /// # Errors
    /// A link leads one of the directories out of that machine.
    pub fn in_effect_without(&self) -> Result<Option<PathBuf>, ServiceError> {
        Ok(self.elsewhere()?.filter(|path| !is_mask(path)))
    }

    /// The unit of a package that the one at this path hides, if that is the one which is
    /// written here.
    pub fn hidden_by(&self, in_effect: &Path) -> Option<PathBuf> {
        let own = self.path(UNIT).ok()?;
        PACKAGED
            .iter()
            .filter(|_| in_effect == own)
            .filter_map(|directory| Some(self.below(directory).ok()?.join(UNIT)))
            .find(|path| path.is_file())
    }

    /// Root runs the program whenever the machine boots: nobody else may change it, and the
    /// unit has to see it.
    fn judge_program(&self, program: &Path) -> Result<(), ServiceError> {
        let unusable = |detail: String| ServiceError::Program {
            path: program.to_owned(),
            detail,
        };
        if !program.is_absolute() {
            return Err(unusable("it is not an absolute path".to_owned()));
        }
        let below = program.strip_prefix("/").unwrap_or(program);
        let path = self.below(below)?;
        let failed = |error: std::io::Error| unusable(error.to_string());
        let real = path.canonicalize().map_err(failed)?;
        let root = self.root.canonicalize().map_err(failed)?;
        let Ok(seen) = real.strip_prefix(&root) else {
            return Err(unusable(format!("it leads out of {}", root.display())));
        };
        let seen = Path::new("/").join(seen);
        if let Some(directory) = hidden(program).or_else(|| hidden(&seen)) {
            return Err(ServiceError::Hidden {
                program: program.to_owned(),
                directory,
            });
        }
        let users = [0, geteuid().as_raw()];
        // Where an image lies, and whose home that is, says nothing of the machine that it is for.
        let metadata =
            sound_file::judge_way_to(&path, &root, &users).map_err(ServiceError::Unsound)?;
        if metadata.permissions().mode() & 0o111 == 0 {
            return Err(unusable("it is not a program".to_owned()));
        }
        Ok(())
    }
}

impl Installation {
    /// The files that are to be written.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Writes all files, or none: those that are there already are put back.
    ///
    /// # Errors
    /// The system does not let one be written.
    pub fn write(&self) -> Result<(), ServiceError> {
        let mut whole = Vec::new();
        for (path, text) in &self.files {
            let failed = |error: std::io::Error| ServiceError::file(path, &error);
            whole.push((path, whole_file(path, text).map_err(failed)?));
        }
        let mut before = Vec::new();
        for (path, file) in whole {
            let old = fs::read(path).ok();
            if let Err(error) = file.persist(path) {
                put_back(before);
                return Err(ServiceError::file(path, &error.error));
            }
            before.push((path, old));
        }
        Ok(())
    }
}

/// Whether what is there keeps the unit from being started, and is no unit: a link to
/// `/dev/null`, or an empty file (systemd.unit(5)).
fn is_mask(path: &Path) -> bool {
    let leads_to_null = fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null"));
    leads_to_null
        || path
            .metadata()
            .is_ok_and(|it| it.is_file() && it.len() == 0)
}

/// The directory in which the unit does not see the path, if it does not.
fn hidden(path: &Path) -> Option<&'static str> {
    HIDDEN.into_iter().find(|it| path.starts_with(it))
}

/// The unit has to see the files and the programs that the credential comes from.
fn judge_profile(profile: &Profile) -> Result<(), ServiceError> {
    let program = |command: &CredentialCommand| PathBuf::from(&command.program);
    let paths = match &profile.credential {
        ProfileCredential::OauthClient { id, secret } => [id, secret]
            .into_iter()
            .filter_map(|source| match source {
                Source::Command(command) => Some(program(command)),
                // The unit has it as a credential.
                Source::File(_) => None,
            })
            .collect(),
        ProfileCredential::FederatedIdentity(identity) => match &identity.source {
            TokenSource::File(path) => vec![path.clone()],
            TokenSource::Command(command) => vec![program(command)],
            TokenSource::Variable(_) | TokenSource::Platform(_) => Vec::new(),
        },
    };
    let unseen = paths
        .into_iter()
        .find_map(|path| hidden(&path).map(|directory| (path, directory)));
    match unseen {
        Some((path, directory)) => Err(ServiceError::HiddenSource {
            profile: profile.name.clone(),
            path,
            directory,
        }),
        None => Ok(()),
    }
}

fn variable_of(profile: &Profile) -> Option<String> {
    match &profile.credential {
        ProfileCredential::FederatedIdentity(identity) => match &identity.source {
            TokenSource::Variable(name) => Some(name.clone()),
            _ => None,
        },
        ProfileCredential::OauthClient { .. } => None,
    }
}

/// A file beside the path that has it all, on the disk.
fn whole_file(path: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)?;
    let mut file = tempfile::Builder::new()
        // systemd passes over what does not end like a unit.
        .prefix(".tailmint-")
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    let file_itself = file.as_file();
    file_itself.set_permissions(fs::Permissions::from_mode(0o644))?;
    file_itself.sync_all()?;
    Ok(file)
}

/// As well as it can be done: why it has to be is what is told.
fn put_back(files: Vec<(&PathBuf, Option<Vec<u8>>)>) {
    for (path, old) in files {
        match old {
            Some(old) => fs::write(path, old).ok(),
            None => fs::remove_file(path).ok(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_all_be_written_are_as_before() {
        let directory = tempfile::tempdir().unwrap();
        let [new, old, barred] = ["new", "old", "barred"].map(|it| directory.path().join(it));
        fs::write(&old, "old").unwrap();
        fs::create_dir(&barred).unwrap();
        let installation = Installation {
            files: [&new, &old, &barred]
                .map(|path| (path.clone(), "text".to_owned()))
                .to_vec(),
            unchanged: Vec::new(),
            variable: None,
        };
        let error = installation.write().unwrap_err();
        assert!(error.to_string().contains("barred"), "{error}");
        assert!(!new.exists());
        assert_eq!(fs::read(&old).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
