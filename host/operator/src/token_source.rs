use std::{fmt, path::PathBuf};

use crate::CredentialCommand;

/// Where the identity token of a federated identity comes from. It is read anew each time
/// that it is needed: it lives for minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// The file at this absolute path, such as one of a projected volume of Kubernetes.
    File(PathBuf),
    /// The variable of this name: the token itself, or `file:PATH` of the file that it is
    /// in.
    Variable(String),
    /// What this command prints. `{audience}` in its arguments stands for the audience.
    Command(CredentialCommand),
    /// A service of the platform that this machine runs on.
    Platform(Platform),
}

/// A platform that tells a machine who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// A job of GitHub Actions.
    Github,
    /// A machine of Google Cloud.
    Gcp,
    /// A machine of Azure. Its token is an access token for a resource.
    Azure {
        /// The App ID URI of the application that the token is for.
        resource: String,
        /// The client id of the managed identity, where the machine has several.
        client_id: Option<String>,
    },
    /// A machine of Fly.io.
    Fly,
}

/// The kinds of sources, for policies, audit logs and hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSourceKind {
    /// A file.
    File,
    /// A variable.
    Variable,
    /// A command.
    Command,
    /// GitHub Actions.
    Github,
    /// Google Cloud.
    Gcp,
    /// Azure.
    Azure,
    /// Fly.io.
    Fly,
}

impl TokenSource {
    /// Of which kind it is.
    pub fn kind(&self) -> TokenSourceKind {
        match self {
            Self::File(_) => TokenSourceKind::File,
            Self::Variable(_) => TokenSourceKind::Variable,
            Self::Command(_) => TokenSourceKind::Command,
            Self::Platform(platform) => platform.kind(),
        }
    }
}

impl Platform {
    /// Of which kind it is as a source.
    pub fn kind(&self) -> TokenSourceKind {
        match self {
            Self::Github => TokenSourceKind::Github,
            Self::Gcp => TokenSourceKind::Gcp,
            Self::Azure { .. } => TokenSourceKind::Azure,
            Self::Fly => TokenSourceKind::Fly,
        }
    }
}

impl TokenSourceKind {
    /// Its name in policies and audit logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Variable => "environment",
            Self::Command => "command",
            Self::Github => "github",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Fly => "fly",
        }
    }
}

impl fmt::Display for TokenSource {
    /// Where it is, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Command(command) => write!(f, "the command {}", command.program),
            Self::Platform(platform) => platform.fmt(f),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl fmt::Display for TokenSourceKind {
    /// What it is, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "the file",
            Self::Variable => "the variable",
            Self::Command => "the command",
            Self::Github => "GitHub's token service",
            Self::Gcp => "Google's metadata server",
            Self::Azure => "Azure's identity endpoint",
            Self::Fly => "Fly's machine API",
        })
    }
}
