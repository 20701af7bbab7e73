use std::{io, path::PathBuf};

use rustix::io::Errno;
use tailmint::connection::{Trust, TrustError};
use tailmint_core::{CertificateProblem, Class, Diagnose, Environment};

use crate::{
    Unsound, UnsoundFile,
    sound_file::{self, believed_users},
};

/// Which certificate authorities are trusted in place of the bundled ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Those in a PEM file.
    File(PathBuf),
    /// Those that the system trusts.
    System,
}

/// Certificate authorities that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// There is none that can be used.
    #[error(transparent)]
    Trust(TrustError),
    /// Others can change their file, and so say who is trusted.
    #[error("the file of certificate authorities {0}")]
    Unsound(UnsoundFile),
}

impl Diagnose for AuthoritiesError {
    fn class(&self) -> Class {
        match self {
            Self::Trust(error) => error.class(),
            Self::Unsound(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Trust(error) => error.hint(),
            Self::Unsound(error) => error.hint(),
        }
    }
}

const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

impl Authorities {
    /// Reads them. A file is one that nobody else can have changed.
    ///
    /// # Errors
    /// There is none that can be used, or others can change their file.
    pub fn trust(&self, environment: &Environment) -> Result<Trust, AuthoritiesError> {
        let path = match self {
            Self::File(path) => path,
            Self::System => return Trust::system().map_err(AuthoritiesError::Trust),
        };
        let unusable = |path, detail| AuthoritiesError::Trust(TrustError::of_file(path, detail));
        match sound_file::read(path, Trust::MAX_PEM_BYTES, &believed_users(environment)) {
            Ok(Some(file)) => {
                Trust::pem(&file.bytes, path.clone()).map_err(AuthoritiesError::Trust)
            }
            Ok(None) => {
                let missing = io::Error::from(Errno::NOENT);
                Err(unusable(path.clone(), missing.to_string()))
            }
            Err(UnsoundFile {
                path,
                unsound: Unsound::Unreadable { detail },
            }) => Err(unusable(path, detail)),
            Err(error) => Err(AuthoritiesError::Unsound(error)),
        }
    }

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
