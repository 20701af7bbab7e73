use std::{
    io,
    path::{Path, PathBuf},
};

use tailmint_api::OutsideText;
use tailmint_core::{Class, Diagnose};

use crate::{UnsoundFile, config::ConfigError};

/// Why the units were not installed or removed, or how they are is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Somebody changed a file since it was written.
    #[error("{} was changed since tailmint wrote it", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The configuration that the unit would read cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A package or a person put the unit where systemd finds it.
    #[error("the unit is there already, by a package or a person: {}", path.display())]
    Elsewhere {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read, written or removed.
    #[error("{}: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
        /// Whether others may do it.
        is_denied: bool,
    },
    /// There is a file that was not written here.
    #[error("{} exists, and tailmint did not write it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The unit does not see the directory that the program is in.
    #[error("the unit cannot run {}: it sees nothing in {directory}", program.display())]
    Hidden {
        /// The program.
        program: PathBuf,
        /// The directory.
        directory: &'static str,
    },
    /// The unit does not see the directory that a part of the credential comes from.
    #[error("the unit cannot use {} of profile {profile}: it sees nothing in {directory}", path.display())]
    HiddenSource {
        /// The profile.
        profile: String,
        /// The file, or the program that prints it.
        path: PathBuf,
        /// The directory.
        directory: &'static str,
    },
    /// A link in an image leads to this machine, or to nothing.
    #[error("{} is a link that leads out of {}, or to nothing", link.display(), root.display())]
    LeadsOut {
        /// The link.
        link: PathBuf,
        /// The directory with the image.
        root: PathBuf,
    },
    /// Somebody masked the unit, so that nothing starts it.
    #[error("the unit is masked, so that nothing starts it: {}", path.display())]
    Masked {
        /// The link to `/dev/null`, or the empty file.
        path: PathBuf,
    },
    /// A name or a path that a unit would read in another way.
    #[error("{name:?} cannot be written in a unit")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no systemd, or it does not run.
    #[error("systemd does not run on this machine: {detail}")]
    NoSystemd {
        /// How that is known.
        detail: &'static str,
    },
    /// No unit was written here.
    #[error("there is no unit to remove")]
    NotInstalled,
    /// There is no such program, or it is not one that a unit can run.
    #[error("{}: {detail}", path.display())]
    Program {
        /// The program.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A command of systemd failed.
    #[error("{command} failed: {words}")]
    Systemd {
        /// The command, as one would type it.
        command: String,
        /// What it said, or how it ended.
        words: OutsideText,
    },
    /// Others can change the program that root would run.
    #[error("root is not to run a program that others can change: {0}")]
    Unsound(UnsoundFile),
}

impl ServiceError {
    /// The error for what the system said about a file.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            detail: error.to_string(),
            is_denied: error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

impl Diagnose for ServiceError {
    fn class(&self) -> Class {
        match self {
            Self::Config(error) => error.class(),
            Self::Systemd { .. } => Class::Internal,
            _ => Class::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Config(error) => return error.hint(),
            Self::Changed { .. } => {
                "move it away, and put what is to differ into a file of its own: systemctl edit tailmint-up.service"
            }
            Self::Elsewhere { .. } => {
                "use that one: systemctl enable --now tailmint-up.service; to change it: systemctl edit tailmint-up.service"
            }
            Self::File {
                is_denied: true, ..
            } => "run it as root",
            Self::File { .. } => "see whether there is room, and who may write there",
            Self::Foreign { .. } => "move it away if nobody needs it",
            Self::Hidden { .. } => {
                "install tailmint for all users, such as with install.sh --prefix /usr/local, or name a program elsewhere with --program"
            }
            Self::HiddenSource { .. } => {
                "put it elsewhere, such as below /etc or /usr/local, and name it so in /etc/tailmint/config.toml"
            }
            Self::LeadsOut { .. } => {
                "make it a relative link that stays below that directory, or put there what it leads to"
            }
            Self::Masked { .. } => {
                "if it is to be started after all: systemctl unmask tailmint-up.service, and for an image, systemctl --root=DIR unmask tailmint-up.service"
            }
            Self::Name { .. } => "use letters, digits and . _ - + alone",
            Self::NoSystemd { .. } => {
                "have what starts programs here run: tailmint up --keep FILE; to write the units for another machine, give --root DIR"
            }
            Self::NotInstalled => "to install the units: tailmint service install",
            Self::Program { .. } => "name a program of that machine with --program",
            Self::Systemd { .. } => "see: journalctl --unit=tailmint-up",
            Self::Unsound(_) => {
                "let it and its directories belong to root, and nobody else write there"
            }
        };
        Some(hint.to_owned())
    }
}
