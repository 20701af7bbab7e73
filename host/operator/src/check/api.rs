//! The way to the API.

use super::Finding;
use tailmint::{Class, Minter};
use tailmint_api::API_HOST;
use tailmint_core::{CertificateProblem, Environment, Failure};

use crate::Authorities;

/// Connects, which sends no request.
pub(super) async fn reach(
    minter: &Minter,
    environment: &Environment,
    tell: &mut dyn FnMut(&Finding),
) -> bool {
    let Err(failure) = minter.reach().await else {
        let message = format!("{API_HOST} is found, reached and trusted");
        tell(&Finding::passed("connection", message));
        return true;
    };
    let hint = match &failure {
        Failure::Resolve { .. } => format!("see whether {API_HOST} can be resolved here"),
        Failure::NotPublic { remedy, .. } => (*remedy).to_owned(),
        Failure::Tls { certificate, .. } => Authorities::remedy(
            certificate.unwrap_or(CertificateProblem::Other),
            environment,
        ),
        _ => format!("see whether {API_HOST} can be reached on port 443 from here"),
    };
    tell(&Finding::failed(
        "connection",
        &failure,
        Some(hint),
        Class::Unreachable,
    ));
    false
}
