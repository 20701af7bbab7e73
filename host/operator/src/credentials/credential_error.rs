use std::path::PathBuf;

use super::{Unchangeable, identity::IdentityError};
use tailmint::{Class, Diagnose, KeyId};
use tailmint_api::{AUTH_KEYS_SCOPE, FEDERATED_KEYS_SCOPE, Kind, OAUTH_KEYS_SCOPE, OutsideText};
use tailmint_core::Denial;

/// Why there is no credential. No message repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A command did not print the value.
    #[error("{program}: {failure}")]
    Command {
        /// The program.
        program: String,
        /// What went wrong with it.
        failure: CommandFailure,
    },
    /// The policy does not allow the command, which was not run.
    #[error("the policy denies it by rule credentials: {0}")]
    CommandDenied(Denial),
    /// A file is there, and cannot be used.
    #[error("{}: {wrong}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// The caller wanted to stop.
    #[error("interrupted")]
    Interrupted,
    /// A command prints the profile's OAuth client, which cannot be written there.
    #[error(
        "the OAuth client of profile {profile} comes from a command: there is no file to write it to"
    )]
    NotFiles {
        /// The profile.
        profile: String,
    },
    /// The profile has a federated identity: there is no OAuth client to write or delete.
    #[error("profile {profile} has the federated identity {client_id}, and no OAuth client")]
    NotOauthClient {
        /// The profile.
        profile: String,
        /// The identity.
        client_id: KeyId,
    },
    /// There is no identity token that can be used.
    #[error(transparent)]
    Identity(Box<IdentityError>),
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
    /// The file of one half is not there, and a command is for the other.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the directory of the files, and does not let go of it.
    #[error("{} has been locked by another process for {seconds} s", path.display())]
    Held {
        /// The directory.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// There is no OAuth client in the profile's files.
    #[error("there is no OAuth client: neither {} nor {}", id.display(), secret.display())]
    NoClient {
        /// The file of its id.
        id: PathBuf,
        /// The file of its secret.
        secret: PathBuf,
    },
    /// There is no home directory to look in.
    #[error(
        "there is no secrets directory to look in: $HOME is not set, and this user has no home directory"
    )]
    NoHome,
    /// No credential was found.
    #[error(
        "no credential found: expected the files {} and {}, or {} and {} beside them, or the variables $TAILSCALE_API_KEY and $TAILSCALE_TAILNET",
        id.display(), secret.display(), super::account::KEY_FILE, super::account::TAILNET_FILE
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
    /// There is none that may create, read or delete these.
    #[error("there is no credential that may create {}", kind.plural())]
    NoOwner {
        /// What was to be created, read or deleted.
        kind: Kind,
    },
    /// The profile has a federated identity, and the file of an OAuth client is there too.
    #[error(
        "profile {profile} has two credentials: a federated identity in the configuration, and {}",
        path.display()
    )]
    TwoCredentials {
        /// The profile.
        profile: String,
        /// The file.
        path: PathBuf,
    },
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

/// Why a command did not print a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandFailure {
    /// It failed.
    #[error("{status}{}{words}", if words.is_empty() { "" } else { ": " })]
    Ended {
        /// How it ended.
        status: String,
        /// What it said last, without secrets.
        words: OutsideText,
    },
    /// It cannot be run.
    #[error("it cannot be run: {detail}")]
    Missing {
        /// What the system said.
        detail: String,
    },
    /// It took too long, and was ended.
    #[error("it did not end within {seconds} s")]
    Overdue {
        /// The limit.
        seconds: u64,
    },
    /// What it printed is not the value.
    #[error("what it printed cannot be used: {0}")]
    Printed(Wrong),
}

/// What is wrong with a file or a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// It looks like `NAME=value`.
    #[error("it has NAME=value where the bare value is wanted")]
    Assignment,
    /// It is not an audience.
    #[error("it is not an audience")]
    Audience,
    /// It is not the id of an OAuth client.
    #[error("it is not the id of an OAuth client")]
    ClientId,
    /// It is not the client id of a federated identity.
    #[error("it is not the client id of a federated identity")]
    IdentityId,
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
    /// It has settings for `tailscale up` behind the key.
    #[error("it has ?... behind the key, which are settings for the keys of tailscale up")]
    KeySettings(KeySettings),
    /// Others may read or write it.
    #[error("its mode{} is {mode:04o}: others may read or write it", on(*unchangeable))]
    Mode {
        /// Its permission bits.
        mode: u32,
        /// What keeps the user from changing them.
        unchangeable: Option<Unchangeable>,
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
    /// Root would read it on behalf of the user who ran `sudo`, whose it is not.
    #[error("it belongs to user {owner}, and root reads here what user {user} owns, nothing else")]
    NotTheirs {
        /// Whom it belongs to.
        owner: u32,
        /// Whom it is read for.
        user: u32,
    },
    /// It belongs to someone else.
    #[error(
        "it belongs to user {owner}, {}",
        if *for_root { "and its directory is open to others or can be replaced by them" }
        else { "not to you or to root" }
    )]
    Owner {
        /// Whom it belongs to.
        owner: u32,
        /// Whether root wants to read it, who may if only its owner can have put it there.
        for_root: bool,
        /// The directory that has to be closed to others for that, where it would do.
        closing: Option<PathBuf>,
    },
    /// Others may replace it.
    #[error(
        "its directory {} has mode {mode:04o}{}: others may replace what is in it",
        directory.display(), on(*unchangeable)
    )]
    Parent {
        /// The directory.
        directory: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What keeps the user from changing them.
        unchangeable: Option<Unchangeable>,
    },
    /// It has quotes, and not in a pair around it.
    #[error("it has quotes in it that are not a pair around it")]
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
    #[error("it is longer than {most} bytes")]
    TooLong {
        /// How many bytes it may have.
        most: usize,
    },
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

/// The file system that an unusual mode is from.
fn on(unchangeable: Option<Unchangeable>) -> String {
    match unchangeable {
        Some(Unchangeable::FileSystem(name)) => format!(" on {name}"),
        _ => String::new(),
    }
}

/// What stands behind a key for `tailscale up`, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeySettings {
    /// `ephemeral`.
    pub ephemeral: Option<bool>,
    /// `preauthorized`.
    pub preauthorized: Option<bool>,
}

impl KeySettings {
    /// What does the same: members of the profile, and flags.
    fn remedy(self) -> String {
        let mut members = Vec::new();
        for (name, value) in [
            ("ephemeral", self.ephemeral),
            ("preauthorized", self.preauthorized),
        ] {
            match value {
                Some(true) => members.push(format!("{name} = true")),
                Some(false) => members.push(format!("{name} = false (or --no-{name})")),
                None => {}
            }
        }
        if members.is_empty() {
            String::new()
        } else {
            format!(", and set {} in the profile", members.join(" and "))
        }
    }
}

const COPY: &str =
    "copy it to a directory that only you can enter, and give that with --secrets-dir";

/// How a mode is mended, if it can be changed by this command.
fn mended(command: String, unchangeable: Option<Unchangeable>) -> String {
    match unchangeable {
        None => command,
        Some(Unchangeable::FileSystem(name)) => {
            format!("chmod does nothing on {name} as a rule: {COPY}")
        }
        Some(Unchangeable::Owner) => COPY.to_owned(),
        Some(Unchangeable::ReadOnly) => {
            format!("it is mounted read-only: mount it below /run/secrets, or {COPY}")
        }
    }
}

impl From<IdentityError> for CredentialError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(Box::new(error))
    }
}

impl Diagnose for CredentialError {
    fn class(&self) -> Class {
        match self {
            Self::CommandDenied(_) => Class::Denied,
            Self::Identity(error) => error.class(),
            Self::Interrupted => Class::Interrupted,
            _ => Class::Credential,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one hint after the other")]
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Command { failure, .. } => match failure {
                CommandFailure::Missing { .. } => {
                    "install it, or name its absolute path in the profile".to_owned()
                }
                CommandFailure::Printed(_) => {
                    "have the command print the bare value, and nothing else".to_owned()
                }
                _ => "run the command of the profile by itself, and see what it wants".to_owned(),
            },
            Self::CommandDenied(denial) => return denial.remedy.clone(),
            Self::Identity(error) => return error.hint(),
            Self::NotOauthClient { profile, .. } => format!(
                "name another profile, or take client-id out of profile {profile} in the configuration"
            ),
            Self::TwoCredentials { profile, path } => format!(
                "delete that OAuth client and its files, once the identity mints: tailmint identities move-from {profile}; or move {} away, or take client-id out of the configuration",
                path.display()
            ),
            Self::Interrupted => return None,
            Self::NotFiles { .. } => {
                "give the profile id-file and secret-file in place of its commands".to_owned()
            }
            Self::File { path, wrong } => {
                let shown = path.display();
                match wrong {
                    Wrong::Mode { unchangeable, .. } => {
                        mended(format!("run: chmod 600 {shown}"), *unchangeable)
                    }
                    Wrong::Closed { .. } => format!("run: chmod 600 {shown}"),
                    Wrong::Owner {
                        closing: Some(directory),
                        ..
                    } => format!("run: chmod go-rwx {}", directory.display()),
                    Wrong::Owner { .. } => COPY.to_owned(),
                    Wrong::Parent {
                        directory,
                        unchangeable,
                        ..
                    } => mended(
                        format!("run: chmod go-w {}", directory.display()),
                        *unchangeable,
                    ),
                    Wrong::NotTheirs { user, .. } => {
                        format!(
                            "let it belong to user {user}, or give another directory with --secrets-dir"
                        )
                    }
                    Wrong::KeySettings(settings) => format!(
                        "write the value without ?... to {shown}{}",
                        settings.remedy()
                    ),
                    Wrong::Unreadable { .. } | Wrong::NotRegular { .. } | Wrong::Removed => {
                        format!("put a file with the bare value at {shown}, mode 0600")
                    }
                    _ => format!("write the bare value to {shown}, on one line"),
                }
            }
            Self::Held { path, .. } => format!(
                "wait for other runs of tailmint clients to end; if there are none, see that nobody else can open it: chmod 700 {}",
                path.display()
            ),
            Self::HalfOfFiles { missing, .. } => {
                format!("put the other half at {}, mode 0600", missing.display())
            }
            Self::HalfOfVariables { missing, .. } if *missing == "TAILSCALE_TAILNET" => {
                "set TAILSCALE_TAILNET to the tailnet's name, or to - for the key's own".to_owned()
            }
            Self::HalfOfVariables { present, missing } => {
                format!("set {missing}, or unset {present}")
            }
            Self::Missing { path } => {
                format!("put the value at {}, mode 0600", path.display())
            }
            Self::NoClient { .. } => {
                "put the client's id and secret there, mode 0600, or give --secrets-dir".to_owned()
            }
            Self::NoHome => "give --secrets-dir, or set TAILMINT_SECRETS_DIR".to_owned(),
            Self::None { .. } => {
                "put the OAuth client's id and secret there, mode 0600, or give --secrets-dir"
                    .to_owned()
            }
            Self::NoOwner { kind } => format!(
                "set TAILSCALE_API_KEY and TAILSCALE_TAILNET, or give --as PROFILE with an OAuth client of the scope {}",
                match kind {
                    Kind::AuthKey => AUTH_KEYS_SCOPE,
                    Kind::OauthClient => OAUTH_KEYS_SCOPE,
                    Kind::FederatedIdentity => FEDERATED_KEYS_SCOPE,
                }
            ),
            Self::Present { .. } => {
                "give --replace to overwrite it, or rotate the client: tailmint clients rotate"
                    .to_owned()
            }
            Self::Unwritable { path, .. } => {
                format!(
                    "see who may write there, and whether there is room: {}",
                    path.display()
                )
            }
            Self::Variable {
                name,
                wrong: Wrong::KeySettings(settings),
            } => format!("set {name} to the value without ?...{}", settings.remedy()),
            Self::Variable {
                name,
                wrong: Wrong::IdentityId,
            } => format!(
                "set {name} to the identity's client id as the admin console shows it, such as T123456CNTRL-k123456CNTRL"
            ),
            Self::Variable {
                name,
                wrong: Wrong::Audience,
            } => format!("set {name} to the identity's audience as the admin console shows it"),
            Self::Variable { name, .. } => format!("set {name} to the bare value"),
        })
    }
}
