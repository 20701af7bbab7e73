use std::path::PathBuf;

use tailmint_core::{CertificateProblem, Environment};

/// Which certificate authorities are trusted in place of the bundled ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Those in a PEM file.
    File(PathBuf),
    /// Those that the system trusts.
    System,
}

const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

impl Authorities {
    /// What to do about a certificate, where these are what can be changed.
    pub fn remedy(problem: CertificateProblem, environment: &Environment) -> String {
        match problem {
            CertificateProblem::Authority => {
                let mut remedy = format!(
                    "{}; if it may, trust its authority: --system-certs, or --ca-file FILE",
                    problem.remedy()
                );
                if environment.get(SSL_CERT_FILE).is_some() {
                    remedy += "; $SSL_CERT_FILE is read with --system-certs only";
                }
                remedy
            }
            CertificateProblem::IsAuthority => {
                "give that certificate itself with --ca-file, or give the server another".to_owned()
            }
            CertificateProblem::Time | CertificateProblem::Other => problem.remedy().to_owned(),
        }
    }
}
