//! What the command adds to the hints of the libraries: flags and commands, which other
//! programs do not have.

use std::error::Error;

use tailmint::{MintError, MintErrorKind, policy::PolicyError};
use tailmint_api::Kind;
use tailmint_audit::AuditError;

/// The command's own hint for the error; `None` where the library's is as good.
pub(crate) fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<MintError>() {
        return of_mint(error);
    }
    if error.is::<AuditError>() {
        return Some(AUDIT.to_owned());
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

fn of_mint(error: &MintError) -> Option<String> {
    let mut left = error.left_behind.iter().filter(|left| !left.is_deleted);
    if let Some(left) = left.next() {
        return Some(match left.kind {
            Kind::AuthKey => format!("revoke it: tailmint keys revoke {}", left.id),
            Kind::OauthClient => format!("delete it: tailmint clients delete --id {}", left.id),
        });
    }
    match &error.kind {
        MintErrorKind::Audit => Some(AUDIT.to_owned()),
        MintErrorKind::NotPublic => Some(
            "nothing was sent; see who resolves the name here, or give --connect-to".to_owned(),
        ),
        _ => None,
    }
}
