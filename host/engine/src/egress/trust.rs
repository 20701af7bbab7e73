use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tailmint_core::{Class, Diagnose};

/// Which certificate authorities may vouch for the API's host.
#[derive(Clone, Debug)]
pub struct Trust {
    config: Arc<ClientConfig>,
    /// The file that the authorities are from.
    origin: Option<String>,
}

/// A bundle of every authority that a system trusts is under 300 KiB.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

impl Trust {
    /// The authorities that the browsers trust, as bundled in the program.
    pub fn bundled() -> Self {
        Self::of(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        })
    }

    /// The authorities in a PEM file, and no others: a private one, such as a
    /// proxy's or a test's. At most 1 MiB is read.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate that can be used.
    pub fn pem_file(path: PathBuf) -> Result<Self, TrustError> {
        match read(&path) {
            Ok(pem) => match Self::pem(&pem) {
                Ok(trust) => Ok(Self {
                    origin: Some(path.display().to_string()),
                    ..trust
                }),
                Err(detail) => Err(TrustError { path, detail }),
            },
            Err(error) => Err(TrustError {
                path,
                detail: error.to_string(),
            }),
        }
    }

    fn pem(pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("it has a certificate that is not usable: {error}"))?;
        }
        if roots.is_empty() {
            return Err("there is no certificate in it".to_owned());
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // One connection a run: there is no second one to resume.
        config.resumption = rustls::client::Resumption::disabled();
        Self {
            config: Arc::new(config),
            origin: None,
        }
    }

    /// The file that the authorities are from, if they are not the bundled ones.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

/// Opens the file once, and judges what it opened: a file that is put in its place in
/// between is not read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for someone to write.
    let flags = (OFlags::CLOEXEC | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut pem = Vec::new();
    file.take(MAX_PEM_BYTES + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_PEM_BYTES {
        let reason = format!("it is longer than {MAX_PEM_BYTES} bytes");
        return Err(io::Error::other(reason));
    }
    Ok(pem)
}

/// A file of certificate authorities that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file of certificate authorities {} cannot be used: {detail}", path.display())]
pub struct TrustError {
    path: PathBuf,
    detail: String,
}

impl Diagnose for TrustError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(
            "give a PEM file with the certificate of the authority that signed the server's"
                .to_owned(),
        )
    }
}
