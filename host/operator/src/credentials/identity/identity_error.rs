use std::path::PathBuf;

use http::StatusCode;
use tailmint::{Class, Diagnose, connection::ProxyError};
use tailmint_api::OutsideText;
use tailmint_audit::AuditError;
use tailmint_core::{Denial, Failure};

use super::{IdTokenError, TokenSource, TokenSourceKind, Unfit};
use crate::credentials::{CommandFailure, CredentialError, Wrong};

/// Why there is no identity token that can be used. No message repeats a token, or what a
/// platform is asked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A variable that says where a platform is asked cannot be followed.
    #[error("${name}: {problem}")]
    Address {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        problem: AddressProblem,
    },
    /// The machine is one of Azure Arc, which hands its tokens out in another way.
    #[error("this is a machine of Azure Arc, whose tokens are not read here")]
    AzureArc,
    /// Something could not be written down, and nothing was asked.
    #[error("{message}")]
    Audit {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A command did not print the token.
    #[error("{program}: {failure}")]
    Command {
        /// The program.
        program: String,
        /// What went wrong with it.
        failure: CommandFailure,
    },
    /// The policy does not allow it: nothing was read, run or sent.
    #[error("the policy denies it by rule identity: {0}")]
    Denied(Denial),
    /// The file cannot be used.
    #[error("{}: {wrong}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// A fault of this library, or of the system.
    #[error("{0}")]
    Internal(&'static str),
    /// The caller wanted to stop.
    #[error("interrupted")]
    Interrupted,
    /// What came is not what the platform's service responds with.
    #[error("unexpected response of {platform}: {what}")]
    Malformed {
        /// The platform.
        platform: TokenSourceKind,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is no such file.
    #[error("{} is missing", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// The variable is not set, or empty.
    #[error("${name} is not set, or is empty")]
    MissingVariable {
        /// Its name.
        name: String,
    },
    /// A variable that GitHub sets for a job which may ask for tokens is not set.
    #[error(
        "${name} is not set: this is not a job of GitHub Actions, or it may not ask for tokens"
    )]
    NoGithub {
        /// The variable.
        name: &'static str,
    },
    /// What came from there is not an identity token.
    #[error("{origin}: this is not an identity token: {error}")]
    NotToken {
        /// Where it came from.
        origin: String,
        /// From which kind of source.
        source_kind: TokenSourceKind,
        /// What is wrong with it.
        error: IdTokenError,
    },
    /// The path of the file depends on where one stands.
    #[error("{origin}: the path of a token's file has to be absolute")]
    RelativePath {
        /// Where the path is given.
        origin: String,
    },
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The service sent a redirect, which is not followed.
    #[error("{platform} sent {status}, a redirect, which is not followed")]
    Redirected {
        /// The platform.
        platform: TokenSourceKind,
        /// The status.
        status: u16,
    },
    /// The service rejects the request, or failed.
    #[error("{platform} responded {status}{}{message}", if message.is_empty() { "" } else { ": " })]
    Rejected {
        /// The platform.
        platform: TokenSourceKind,
        /// The status.
        status: u16,
        /// What it says.
        message: OutsideText,
    },
    /// The token is one that Tailscale would reject.
    #[error("{origin}: the identity token {unfit}")]
    Unfit {
        /// Where it came from.
        origin: String,
        /// From which kind of source.
        source_kind: TokenSourceKind,
        /// What is unfit about it.
        unfit: Unfit,
    },
    /// The service could not be reached, or nothing came back.
    #[error("{platform}: {failure}")]
    Unreachable {
        /// The platform.
        platform: TokenSourceKind,
        /// Why.
        failure: Failure,
    },
}

/// Why a variable does not say where a platform is asked. Nothing of it is repeated: its
/// query may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressProblem {
    /// It is no address.
    #[error("it is not an address")]
    Shape,
    /// The request would go out without TLS.
    #[error("it is not an https:// address")]
    NotHttps,
    /// It is an address of another scheme than plain HTTP.
    #[error("it is not an http:// address")]
    NotHttp,
    /// It names a user.
    #[error("it has a user name or a password in it")]
    UserInfo,
    /// It has another port than HTTPS.
    #[error("it has another port than 443")]
    Port,
    /// It cannot be sent.
    #[error("it has characters that no header can have")]
    Unsendable,
    /// It leads away from this machine.
    #[error("it is neither a loopback address nor a link-local one")]
    NotLocal,
}

impl IdentityError {
    /// The token from this source, of which this is unfit.
    pub fn unfit(source: &TokenSource, unfit: Unfit) -> Self {
        Self::Unfit {
            origin: source.to_string(),
            source_kind: source.kind(),
            unfit,
        }
    }

    pub(super) fn not_token(source: &TokenSource, error: IdTokenError) -> Self {
        Self::NotToken {
            origin: source.to_string(),
            source_kind: source.kind(),
            error,
        }
    }
}

impl From<AuditError> for IdentityError {
    fn from(error: AuditError) -> Self {
        Self::Audit {
            message: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl From<CredentialError> for IdentityError {
    /// What the runner of commands says.
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Command { program, failure } => Self::Command { program, failure },
            CredentialError::Interrupted => Self::Interrupted,
            _ => Self::Internal("the command of the identity token was not run"),
        }
    }
}

/// How to ask each source for another audience.
fn how_to_ask(kind: TokenSourceKind) -> &'static str {
    match kind {
        TokenSourceKind::File => {
            "have the file written for that audience: audience in a projected volume, jwt_audience of spiffe-helper"
        }
        TokenSourceKind::Variable => {
            "have the variable set for that audience: id_tokens with aud in GitLab"
        }
        TokenSourceKind::Command => "give the command {audience}, which stands for the audience",
        TokenSourceKind::Azure => {
            "the audience of an Azure token is its resource: register it as App ID URI, and give the identity the same audience"
        }
        TokenSourceKind::Github | TokenSourceKind::Gcp | TokenSourceKind::Fly => {
            "the service was asked for that audience: see whether something stands between"
        }
    }
}

/// How to get a token that is valid now.
fn how_to_renew(kind: TokenSourceKind) -> &'static str {
    match kind {
        TokenSourceKind::File => {
            "have the file written anew; a credential of systemd is as old as its service"
        }
        TokenSourceKind::Variable => {
            "the token is as old as the job: run this earlier in it, or give the token more time"
        }
        TokenSourceKind::Command => "have the command fetch a new token each time",
        TokenSourceKind::Github
        | TokenSourceKind::Gcp
        | TokenSourceKind::Azure
        | TokenSourceKind::Fly => "see whether this machine's clock is right: date",
    }
}

fn about_unfit(kind: TokenSourceKind, unfit: &Unfit) -> String {
    match unfit {
        Unfit::NoExpiry | Unfit::NoIssuer | Unfit::NoSubject => {
            "see whether this is an identity token of OpenID Connect".to_owned()
        }
        Unfit::Expired { .. } | Unfit::ExpiresSoon { .. } => how_to_renew(kind).to_owned(),
        Unfit::NotYetValid { .. } => {
            "see whether this machine's clock is right: date".to_owned()
        }
        Unfit::NoAudience { .. } | Unfit::OtherAudience { .. } => how_to_ask(kind).to_owned(),
        Unfit::IssuerNotHttps { .. } | Unfit::IssuerNotPublic { .. } => {
            "Tailscale reads the issuer's keys from there: give the issuer a public https:// address, with its discovery document and its keys".to_owned()
        }
    }
}

/// What an AWS account says where this is off: it is off unless somebody enables it.
const AWS_DISABLED: &str = "OutboundWebIdentityFederationDisabled";

/// Azure's codes for an App ID URI that no application has.
const AZURE_NO_RESOURCE: [&str; 2] = ["invalid_resource", "AADSTS50001"];

fn about_command(failure: &CommandFailure) -> String {
    match failure {
        CommandFailure::Missing { .. } => {
            "install it, or name its absolute path in the profile".to_owned()
        }
        CommandFailure::Printed(_) => {
            "have the command print the bare token, and nothing else".to_owned()
        }
        CommandFailure::Ended { words, .. } if words.contains(AWS_DISABLED) => {
            "run: aws iam enable-outbound-web-identity-federation".to_owned()
        }
        _ => "run the command of the profile by itself, and see what it wants".to_owned(),
    }
}

fn about_rejection(platform: TokenSourceKind, status: u16, message: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|it| message.contains(it));
    match platform {
        _ if is_temporary(status) => "try again; if it stays so, see the platform's status page",
        TokenSourceKind::Github => {
            "see that the job has permissions: id-token: write, and run it again"
        }
        TokenSourceKind::Gcp => {
            "bind a service account to this machine or pod, such as by Workload Identity"
        }
        TokenSourceKind::Azure if says(&AZURE_NO_RESOURCE) => {
            "register an application with that resource as its App ID URI, or give another resource"
        }
        TokenSourceKind::Azure => {
            "assign a managed identity to this machine; where it has several, name one by its client id"
        }
        _ => IN_FLY,
    }
}

/// Whether the service failed on its side, or wants fewer requests.
fn is_temporary(status: u16) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS.as_u16() || status >= 500
}

const IN_FLY: &str = "see that this runs in a machine of Fly.io, which has the socket /.fly/api";

/// Something else is in the position of the service, or changes what it responds.
const BETWEEN: &str = "see what stands between this machine and the platform's service";

fn about_unreachable(platform: TokenSourceKind) -> &'static str {
    match platform {
        TokenSourceKind::Github => {
            "see whether this machine reaches GitHub without a proxy, and whether its certificate is of a trusted authority (--system-certs)"
        }
        TokenSourceKind::Gcp => {
            "see that this runs on Google Cloud; a new pod reaches its metadata server after some seconds"
        }
        TokenSourceKind::Azure => {
            "see that this runs on Azure, and that nothing keeps it from 169.254.169.254"
        }
        _ => IN_FLY,
    }
}

fn about_file(path: &std::path::Path, wrong: &Wrong) -> String {
    let path = path.display();
    match wrong {
        Wrong::Mode { unchangeable: None, .. } | Wrong::Closed { .. } => format!("run: chmod 600 {path}"),
        Wrong::Mode { .. } => "mount it read-only, as a projected volume is, or give a copy with mode 0600 in a directory of your own".to_owned(),
        Wrong::Parent { directory, .. } => format!("run: chmod go-w {}", directory.display()),
        Wrong::Owner { .. } => "have it written by root, or by the user who runs this".to_owned(),
        Wrong::NotTheirs { user, .. } => {
            format!("have it written by user {user}, whose configuration names it")
        }
        Wrong::Unreadable { .. } => {
            format!("see who may read it, and what it is on: ls -l {path}")
        }
        _ => format!("have the bare token written to {path}, and nothing else"),
    }
}

impl Diagnose for IdentityError {
    fn class(&self) -> Class {
        match self {
            Self::Address { .. } | Self::RelativePath { .. } => Class::Usage,
            Self::Audit { .. } => Class::Policy,
            Self::Proxy(error) => error.class(),
            Self::Denied(_) => Class::Denied,
            Self::Internal(_) => Class::Internal,
            Self::Interrupted => Class::Interrupted,
            Self::Rejected { status, .. } if is_temporary(*status) => Class::Unreachable,
            Self::Malformed { .. } | Self::Redirected { .. } | Self::Unreachable { .. } => {
                Class::Unreachable
            }
            Self::AzureArc
            | Self::Command { .. }
            | Self::File { .. }
            | Self::MissingFile { .. }
            | Self::MissingVariable { .. }
            | Self::NoGithub { .. }
            | Self::NotToken { .. }
            | Self::Rejected { .. }
            | Self::Unfit { .. } => Class::Credential,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { name, .. } => {
                format!("see what has set {name}, and unset it where that is not the platform")
            }
            Self::AzureArc => "have a command print the token, and name that as source".to_owned(),
            Self::Audit { hint, .. } => return hint.clone(),
            Self::Command { failure, .. } => about_command(failure),
            Self::Denied(denial) => return denial.remedy.clone(),
            Self::File { path, wrong } => about_file(path, wrong),
            Self::Proxy(error) => return error.hint(),
            Self::Internal(_) => "this is a fault of tailmint or of the system".to_owned(),
            Self::Interrupted => return None,
            Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::Unreachable {
                failure: Failure::TooLong { .. } | Failure::Encoded,
                ..
            } => BETWEEN.to_owned(),
            Self::MissingFile { path } => format!(
                "have the platform write it: a projected volume with an audience in Kubernetes, mounted at {}",
                path.parent().unwrap_or(path).display()
            ),
            Self::MissingVariable { name } => {
                format!("have the job set it: id_tokens: {name}: aud: in GitLab")
            }
            Self::NoGithub { .. } => {
                "give the job permissions: id-token: write; a pull request from a fork gets none"
                    .to_owned()
            }
            Self::NotToken {
                source_kind, error, ..
            } => match error {
                IdTokenError::Encrypted => "ask the platform for a signed token (JWS)".to_owned(),
                IdTokenError::TailscaleKey => {
                    "give an identity token of the platform, or keep the key in the profile's files"
                        .to_owned()
                }
                _ => match source_kind {
                    TokenSourceKind::Command => {
                        "have the command print the bare token, and nothing else".to_owned()
                    }
                    TokenSourceKind::File => {
                        "have the bare token written there, and nothing else".to_owned()
                    }
                    TokenSourceKind::Variable => {
                        "set it to the bare token, or to file: and the path of one".to_owned()
                    }
                    _ => {
                        "see what stands between this machine and the platform's service".to_owned()
                    }
                },
            },
            Self::Rejected {
                platform,
                status,
                message,
            } => about_rejection(*platform, *status, message).to_owned(),
            Self::Unfit {
                source_kind, unfit, ..
            } => about_unfit(*source_kind, unfit),
            Self::Unreachable { platform, .. } => about_unreachable(*platform).to_owned(),
            Self::RelativePath { .. } => "give the path from / on".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_told_with_who_has_to_be_able_to() {
        let hint = |wrong| about_file(Path::new("/run/token"), &wrong);
        let not_theirs = Wrong::NotTheirs {
            owner: 0,
            user: 1000,
        };
        assert_eq!(
            hint(not_theirs),
            "have it written by user 1000, whose configuration names it"
        );
        let unreadable = Wrong::Unreadable {
            detail: "Permission denied".to_owned(),
        };
        assert_eq!(
            hint(unreadable),
            "see who may read it, and what it is on: ls -l /run/token"
        );
    }
}
