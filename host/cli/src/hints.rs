//! What the command adds to the hints of the libraries: flags and commands, which other
//! programs do not have.

use std::{error::Error, net::SocketAddr};

use tailmint::{MintError, MintErrorKind, policy::PolicyError};
use tailmint_api::Kind;
use tailmint_audit::{AuditError, AuditErrorKind};
use tailmint_core::{Environment, Failure};
use tailmint_operator::{
    Authorities,
    tailscale::{JoinError, JoinErrorKind},
};

/// The command's own hint for the error; `None` where the library's is as good.
pub(crate) fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<MintError>() {
        return of_mint(error);
    }
    if let Some(error) = error.downcast_ref::<AuditError>() {
        return of_audit(error);
    }
    if let Some(error) = error.downcast_ref::<JoinError>() {
        return of_join(error, &Environment::from_process());
    }
    match error.downcast_ref::<PolicyError>() {
        Some(PolicyError::Syntax { .. }) => {
            Some("correct the file; tailmint policy show prints a whole one".to_owned())
        }
        Some(PolicyError::Missing { .. }) => {
            Some("name a file that exists, or leave --policy out".to_owned())
        }
        _ => None,
    }
}

const AUDIT: &str =
    "what cannot be written down is not sent; make room, or name another file with --audit-file";

fn of_audit(error: &AuditError) -> Option<String> {
    let hint = match error.kind() {
        AuditErrorKind::NoRoom => AUDIT,
        AuditErrorKind::Unwritable => {
            "what cannot be written down is not sent; name another file with --audit-file"
        }
        AuditErrorKind::Unshipped => {
            "what was written is in the file; once that program takes entries, run: tailmint audit ship"
        }
        AuditErrorKind::Foreign => "run this as that user, or name another file with --audit-file",
        AuditErrorKind::Unreadable => "name the file of an audit log with --audit-file",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The daemon has an environment of its own.
fn of_join(error: &JoinError, environment: &Environment) -> Option<String> {
    if let JoinErrorKind::Mint(error) = &error.kind {
        return of_mint(error);
    }
    let mut proxies = ["HTTPS_PROXY", "https_proxy"].into_iter();
    let proxy = proxies.find(|name| environment.get(name).is_some())?;
    (error.kind == JoinErrorKind::Timeout).then(|| {
        format!(
            "tailscaled does not see ${proxy}, which is set here: set it for tailscaled too (systemd: in /etc/default/tailscaled), restart it, and try again"
        )
    })
}

fn of_failure(failure: &Failure) -> Option<String> {
    match failure {
        Failure::NotPublic {
            address, remedy, ..
        } => {
            let mut hint = format!("nothing was sent; {remedy}");
            if !address.is_unspecified() {
                let to = SocketAddr::new(*address, 443);
                hint += &format!("; if that address is meant, give --connect-to {to}");
            }
            Some(hint)
        }
        Failure::Tls {
            certificate: Some(problem),
            ..
        } => Some(Authorities::remedy(*problem, &Environment::from_process())),
        _ => None,
    }
}

fn of_mint(error: &MintError) -> Option<String> {
    let mut left = error.left_behind.iter().filter(|left| !left.is_deleted);
    if let Some(left) = left.next() {
        return Some(match left.kind {
            Kind::AuthKey => format!("revoke it: tailmint keys revoke {}", left.id),
            Kind::OauthClient => format!("delete it: tailmint clients delete --id {}", left.id),
            Kind::FederatedIdentity => format!("delete it: tailmint identities delete {}", left.id),
        });
    }
    match &error.kind {
        MintErrorKind::Audit => Some(AUDIT.to_owned()),
        MintErrorKind::OutcomeUnknown => error.left_open.map(|kind| match kind {
            Kind::AuthKey => "see whether there is a new key, and revoke it: tailmint keys list, tailmint keys revoke ID; otherwise it works until it expires".to_owned(),
            Kind::OauthClient => "see whether there is a new OAuth client, and delete it: tailmint clients list, tailmint clients delete --id ID; it does not expire".to_owned(),
            Kind::FederatedIdentity => "see whether there is a new federated identity, and delete it: tailmint identities list, tailmint identities delete ID; it does not expire".to_owned(),
        }),
        _ => error.cause.as_deref().and_then(of_failure),
    }
}
