use std::fmt;

use super::{
    child::{End, Finished},
    daemon::how_to_start,
    words::Complaint,
};
use tailmint::{Class, Diagnose, KeyId, MintError};
use tailmint_api::OutsideText;
use tailmint_core::Denial;

/// Why the machine did not join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JoinError {
    /// What went wrong: one case for each thing that a caller does differently.
    pub kind: JoinErrorKind,
    /// What went wrong, in words: one line, lower case.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What `tailscale` itself said, without the key.
    pub words: Vec<OutsideText>,
    /// What became of the new key.
    pub key: KeyFate,
}

/// What became of the key for a machine that did not join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFate {
    /// No key was created.
    #[default]
    None,
    /// It has been revoked.
    Revoked(KeyId),
    /// It could not be revoked, and joins machines until it expires.
    LeftBehind(KeyId),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinErrorKind {
    /// This user may not change the daemon.
    AccessDenied,
    /// `tailscale` does not understand the arguments.
    BadArguments,
    /// The machine has settings that were not repeated.
    ChangedFlags,
    /// The policy lets no key be handed to the machine.
    Denied(Box<Denial>),
    /// `tailscale` failed in a way that is not known.
    Failed,
    /// `tailscale` does not respond.
    Hangs,
    /// A fault of this library or of the system.
    Internal,
    /// The caller wanted to stop.
    Interrupted,
    /// The file that remembers whether the machine was connected cannot be used.
    Keep,
    /// The control server rejected the key.
    KeyRefused,
    /// Tailnet Lock keeps the machine out until another machine signs it.
    LockedOut,
    /// The machine is logged in to another control server.
    LoginServer,
    /// Logging in anew would cut off the session of ssh that asks for it.
    LosesSsh,
    /// No key could be minted.
    Mint(Box<MintError>),
    /// There is no `tailscale` command.
    Missing,
    /// An administrator must approve the machine.
    NeedsApproval,
    /// There is no daemon.
    NoDaemon,
    /// The control server knows another machine by this one's node key.
    NodeKeyTaken,
    /// The daemon does not know its state in time.
    NotReady,
    /// The machine joined, but without the tags of the key.
    OtherTags,
    /// The machine joined, but the key could not be revoked as the caller asked.
    RevokeFailed(Box<MintError>),
    /// The control server rejected the machine.
    Refused,
    /// `ssh` did not run a command on the other machine.
    Ssh,
    /// The machine did not come up in time.
    Timeout,
    /// `tailscale` is too old to read a key from a file.
    TooOld,
    /// The daemon is in a state that is not known.
    UnknownState,
    /// The output of `tailscale status` makes no sense.
    Unreadable,
}

impl JoinError {
    pub(super) fn new(
        kind: JoinErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: Some(hint.into()),
            words: Vec::new(),
            key: KeyFate::None,
        }
    }
}

impl From<MintError> for JoinError {
    fn from(error: MintError) -> Self {
        Self {
            message: error.to_string(),
            hint: error.hint.clone(),
            words: Vec::new(),
            key: KeyFate::None,
            kind: JoinErrorKind::Mint(Box::new(error)),
        }
    }
}

impl From<Denial> for JoinError {
    fn from(denial: Denial) -> Self {
        Self {
            message: format!("the policy lets no key be handed to it by ssh: {denial}"),
            hint: denial.remedy.clone(),
            words: Vec::new(),
            key: KeyFate::None,
            kind: JoinErrorKind::Denied(Box::new(denial)),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.key {
            KeyFate::None => Ok(()),
            KeyFate::Revoked(id) => write!(f, "; key {id} has been revoked"),
            KeyFate::LeftBehind(id) => write!(f, "; key {id} could not be revoked"),
        }
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            // The message is the error's own.
            JoinErrorKind::Mint(error) | JoinErrorKind::RevokeFailed(error) => error.source(),
            _ => None,
        }
    }
}

/// The error that a complaint of `tailscale` means.
pub(super) fn complaint_of(finished: &Finished, words: Vec<OutsideText>) -> JoinError {
    let (kind, message, hint) = match Complaint::of(&words) {
        Complaint::AccessDenied => (
            JoinErrorKind::AccessDenied,
            "this user may not change tailscale on this machine".to_owned(),
            "give --sudo, or once: sudo tailscale set --operator=\"$(id -un)\"",
        ),
        Complaint::BadArguments => (
            JoinErrorKind::BadArguments,
            "tailscale up does not understand its arguments".to_owned(),
            "see tailscale up --help; a tailscale that has no --auth-key must be updated",
        ),
        Complaint::ChangedFlags => (
            JoinErrorKind::ChangedFlags,
            "the machine has settings that tailscale up wants repeated".to_owned(),
            "give the flags that tailscale names, except --auth-key, after --, or as up = [...] in the profile; --reset drops all others",
        ),
        Complaint::KeyFile => (
            JoinErrorKind::Failed,
            "tailscale up could not read the key".to_owned(),
            "see whether /dev/stdin can be opened here",
        ),
        Complaint::KeyRefused => (
            JoinErrorKind::KeyRefused,
            "the control server rejected the key".to_owned(),
            "see that --login-server and the credential are of the same tailnet, and that nobody revoked the key",
        ),
        Complaint::LosesSsh => (
            JoinErrorKind::LosesSsh,
            "tailscale asks whether this session may be cut off".to_owned(),
            "insist: -- --accept-risk=lose-ssh",
        ),
        Complaint::LoginServer => (
            JoinErrorKind::LoginServer,
            "the machine is logged in to another control server".to_owned(),
            "give --force to log it in anew, or leave --login-server as it was",
        ),
        Complaint::NoDaemon => (
            JoinErrorKind::NoDaemon,
            "tailscaled is not running on this machine".to_owned(),
            how_to_start(),
        ),
        Complaint::NodeKeyTaken => (
            JoinErrorKind::NodeKeyTaken,
            "the control server knows another machine by this one's node key".to_owned(),
            "give --force, or log it out first: tailscale logout; in an image for many machines, empty /var/lib/tailscale",
        ),
        Complaint::Refused => (
            JoinErrorKind::Refused,
            "the control server rejected this machine".to_owned(),
            "see whether its administrators limit which machines may join",
        ),
        Complaint::Sudo => (
            JoinErrorKind::AccessDenied,
            "sudo does not let this user run it".to_owned(),
            "run it where sudo can ask for a password, or as root",
        ),
        Complaint::Unknown => (
            JoinErrorKind::Failed,
            format!("tailscale {}", ending(finished)),
            "see: tailscale status",
        ),
    };
    JoinError {
        // They name systemctl, on every machine.
        words: if kind == JoinErrorKind::NoDaemon {
            Vec::new()
        } else {
            words
        },
        ..JoinError::new(kind, message, hint)
    }
}

fn ending(finished: &Finished) -> String {
    match finished.end {
        End::Exited(status) => {
            use std::os::unix::process::ExitStatusExt;
            match (status.code(), status.signal()) {
                (Some(0), _) => "succeeded, but the machine is not connected".to_owned(),
                (Some(code), _) => format!("failed with exit status {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended without a status".to_owned(),
            }
        }
        End::Overdue => "did not end in time".to_owned(),
        End::Stopped => "was stopped".to_owned(),
    }
}

impl Diagnose for JoinError {
    fn class(&self) -> Class {
        match &self.kind {
            JoinErrorKind::Denied(_) => Class::Denied,
            // What keeps a machine cannot be written: a disk may be full for a while.
            JoinErrorKind::Internal | JoinErrorKind::Keep => Class::Internal,
            JoinErrorKind::Interrupted => Class::Interrupted,
            JoinErrorKind::Mint(error) | JoinErrorKind::RevokeFailed(error) => error.class(),
            JoinErrorKind::Missing => Class::TailscaleMissing,
            _ => Class::TailscaleFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        match &self.key {
            KeyFate::LeftBehind(id) => Some(format!("revoke the key: tailmint keys revoke {id}")),
            KeyFate::None | KeyFate::Revoked(_) => self.hint.clone(),
        }
    }
}
