use std::path::PathBuf;

use tailmint_core::{Class, Diagnose};

/// A file that is not believed, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {unsound}", path.display())]
pub struct UnsoundFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub unsound: Unsound,
}

/// Why a file is not believed, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsound {
    /// Somebody else owns it.
    #[error("it belongs to user {uid}")]
    Foreign {
        /// Whose it is.
        uid: u32,
    },
    /// Somebody else owns a directory that it is in, or that a link to it is in.
    #[error("its directory {} belongs to user {uid}, who may replace it", directory.display())]
    ForeignDirectory {
        /// The directory.
        directory: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// There is a link, and nothing where it leads.
    #[error("{} is a link that leads to nothing", match directory {
        Some(directory) => format!("its directory {}", directory.display()),
        None => "it".to_owned(),
    })]
    LeadsNowhere {
        /// The directory that is such a link, where it is not the file itself.
        directory: Option<PathBuf>,
    },
    /// Others may replace it: they may write to a directory that it is in, or that a link
    /// to it is in.
    #[error("its directory {} has mode {mode:04o}: others may replace what is in it", directory.display())]
    Replaceable {
        /// The directory.
        directory: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system does not let it be read, or it is not a file.
    #[error("{detail}")]
    Unreadable {
        /// What is wrong.
        detail: String,
    },
    /// Others may write to it.
    #[error("its mode{} is {mode:04o}: others may write it", match file_system {
        Some(name) => format!(" on {name}"),
        None => String::new(),
    })]
    Writable {
        /// Its mode.
        mode: u32,
        /// The kind of the file system, where that makes modes up.
        file_system: Option<&'static str>,
    },
}

impl Diagnose for UnsoundFile {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        let path = self.path.display();
        Some(match &self.unsound {
            Unsound::Foreign { .. } | Unsound::ForeignDirectory { .. } => {
                "make root or yourself its owner, or give a copy in a directory of your own"
                    .to_owned()
            }
            Unsound::LeadsNowhere { directory } => format!(
                "remove {}, or put the file where it leads",
                directory.as_deref().unwrap_or(&self.path).display()
            ),
            Unsound::Replaceable { directory, .. } => {
                format!("run: chmod go-w {}", directory.display())
            }
            Unsound::Unreadable { .. } => format!("see who may read {path}"),
            Unsound::Writable {
                file_system: Some(name),
                ..
            } => format!(
                "chmod does nothing on {name} as a rule: give a copy in a directory of your own"
            ),
            Unsound::Writable { .. } => format!("run: chmod go-w {path}"),
        })
    }
}
