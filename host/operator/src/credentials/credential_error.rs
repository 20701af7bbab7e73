use std::path::PathBuf;

use tailmint::{Class, Diagnose};

/// Why there is no credential. No message repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file is there, and cannot be used.
    #[error("{}: {wrong}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// One file of the pair is there, the other is not.
    #[error("{} exists, but {} is missing", present.display(), missing.display())]
    HalfOfFiles {
        /// The one that is there.
        present: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// One variable of the pair is set, the other is not.
    #[error("${present} is set, but ${missing} is missing")]
    HalfOfVariables {
        /// The one that is set.
        present: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// There is no home directory to look in.
    #[error("there is no secrets directory to look in: $HOME is not set")]
    NoHome,
    /// No credential was found.
    #[error(
        "no credential found: expected the files {} and {}, or the variables $TAILSCALE_API_KEY and $TAILSCALE_TAILNET",
        id.display(), secret.display()
    )]
    None {
        /// The file of the OAuth client's id.
        id: PathBuf,
        /// The file of its secret.
        secret: PathBuf,
    },
    /// Files that must not be overwritten unasked are there.
    #[error("{} exists already", path.display())]
    Present {
        /// The file.
        path: PathBuf,
    },
    /// There is none that may create, read or delete OAuth clients.
    #[error("there is no credential that may create OAuth clients")]
    NoOwner,
    /// A file cannot be written.
    #[error("{} cannot be written: {detail}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A variable is set, and cannot be used.
    #[error("${name}: {wrong}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        wrong: Wrong,
    },
}

/// What is wrong with a file or a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// It looks like `NAME=value`.
    #[error("it has NAME=value where the bare value is wanted")]
    Assignment,
    /// It is not the id of an OAuth client.
    #[error("it is not the id of an OAuth client")]
    ClientId,
    /// Its own owner may not read it.
    #[error("its mode is {mode:04o}: you may not read it")]
    Closed {
        /// Its permission bits.
        mode: u32,
    },
    /// It begins with `#`.
    #[error("it begins with a comment")]
    Comment,
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is JSON.
    #[error("it is JSON where the bare value is wanted")]
    Json,
    /// It is another kind of secret.
    #[error("it is {found} where {expected} is wanted")]
    Kind {
        /// What is wanted.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Others may read or write it.
    #[error("its mode is {mode:04o}: others may read or write it")]
    Mode {
        /// Its permission bits.
        mode: u32,
    },
    /// It has characters that no key has.
    #[error("it has characters that are not printable ASCII")]
    NotPrintable,
    /// It is a directory, a pipe, a device or a socket.
    #[error("it is not a regular file but {found}")]
    NotRegular {
        /// What it is.
        found: &'static str,
    },
    /// It belongs to someone else.
    #[error("it belongs to user {owner}, not to you or to root")]
    Owner {
        /// Whom it belongs to.
        owner: u32,
    },
    /// Others may replace it.
    #[error("its directory {} has mode {mode:04o}: others may replace what is in it", directory.display())]
    Parent {
        /// The directory.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It has quotes around it.
    #[error("it has quotes around it")]
    Quoted,
    /// It was removed after it was opened.
    #[error("it was removed while it was being read")]
    Removed,
    /// It has more than one line.
    #[error("it has more than one line")]
    SeveralLines,
    /// It has white space in it.
    #[error("it has white space in it")]
    Space,
    /// It is not the name of a tailnet.
    #[error("it is not the name of a tailnet")]
    Tailnet,
    /// It is too long.
    #[error("it is longer than {} bytes", super::shape::MAX_BYTES)]
    TooLong,
    /// The system does not let it be read.
    #[error("it cannot be read: {detail}")]
    Unreadable {
        /// What the system said.
        detail: String,
    },
    /// It is UTF-16.
    #[error("it is UTF-16 where ASCII is wanted")]
    Utf16,
}

impl Diagnose for CredentialError {
    fn class(&self) -> Class {
        Class::Credential
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { path, wrong } => {
                let shown = path.display();
                match wrong {
                    Wrong::Mode { .. } | Wrong::Closed { .. } => format!("run: chmod 600 {shown}"),
                    Wrong::Owner { .. } => format!("run: chown \"$(id -u)\" {shown}"),
                    Wrong::Parent { directory, .. } => {
                        format!("run: chmod go-w {}", directory.display())
                    }
                    Wrong::Unreadable { .. } | Wrong::NotRegular { .. } | Wrong::Removed => {
                        format!("put a file with the bare value at {shown}, mode 0600")
                    }
                    _ => format!("write the bare value to {shown}, on one line"),
                }
            }
            Self::HalfOfFiles { missing, .. } => {
                format!("put the other half at {}, mode 0600", missing.display())
            }
            Self::HalfOfVariables { missing, .. } if *missing == "TAILSCALE_TAILNET" => {
                "set TAILSCALE_TAILNET to the tailnet's name, or to - for the key's own".to_owned()
            }
            Self::HalfOfVariables { present, missing } => {
                format!("set {missing}, or unset {present}")
            }
            Self::NoHome => "give --secrets-dir, or set TAILMINT_SECRETS_DIR".to_owned(),
            Self::None { .. } => {
                "put the OAuth client's id and secret there, mode 0600, or give --secrets-dir"
                    .to_owned()
            }
            Self::NoOwner => "set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or give --as PROFILE with an OAuth client of the scope oauth_keys".to_owned(),
            Self::Present { .. } => {
                "give --replace to overwrite it, or rotate the client: tailmint clients rotate"
                    .to_owned()
            }
            Self::Unwritable { path, .. } => {
                format!("see who may write there, and whether there is room: {}", path.display())
            }
            Self::Variable { name, .. } => format!("set {name} to the bare value"),
        })
    }
}
