use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tailmint_core::{Class, Diagnose};
use tailmint_policy::TrustFacts;

/// Which certificate authorities may vouch for the API's host.
#[derive(Clone, Debug)]
pub struct Trust {
    config: Arc<ClientConfig>,
    origin: Origin,
    is_configured: bool,
}

/// Where the authorities are from.
#[derive(Clone, Debug)]
enum Origin {
    Bundle,
    File(String),
    System,
}

/// What an audit log says of the authorities of the system, in place of a file.
const SYSTEM: &str = "the system's certificates";

impl Trust {
    /// The authorities that the browsers trust, as bundled in the program.
    pub fn bundled() -> Self {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        Self::of(roots, Vec::new(), Origin::Bundle)
    }

    /// The authorities that the system trusts: those in `$SSL_CERT_FILE` and
    /// `$SSL_CERT_DIR`, or else in the files where systems have them. One that is not
    /// usable is left out, as other programs do.
    ///
    /// # Errors
    /// There is none that can be used.
    pub fn system() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(found.certs);
        if usable == 0 {
            return Err(TrustError {
                path: None,
                detail: match found.errors.first() {
                    Some(error) => error.to_string(),
                    None => "there are none".to_owned(),
                },
            });
        }
        Ok(Self::of(roots, Vec::new(), Origin::System))
    }

    /// The most bytes of a PEM file. A bundle of every authority that a system trusts is
    /// under 300 KiB.
    pub const MAX_PEM_BYTES: u64 = 1024 * 1024;

    /// The authorities in a PEM file, and no others: a private one, such as a
    /// proxy's or a test's. At most [`Self::MAX_PEM_BYTES`] are read.
    ///
    /// Who may change the file is not judged: it is opened once, as the caller says.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate that can be used.
    pub fn pem_file(path: PathBuf) -> Result<Self, TrustError> {
        match read(&path) {
            Ok(pem) => Self::pem(&pem, path),
            Err(error) => Err(TrustError::of_file(path, error.to_string())),
        }
    }

    /// The authorities in what a caller has read from a PEM file and judged, and no others.
    ///
    /// # Errors
    /// There is no certificate in it that can be used.
    pub fn pem(pem: &[u8], path: PathBuf) -> Result<Self, TrustError> {
        match Self::parse(pem, &path) {
            Ok(trust) => Ok(trust),
            Err(detail) => Err(TrustError::of_file(path, detail)),
        }
    }

    fn parse(pem: &[u8], path: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let mut own = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
            roots
                .add(certificate.clone())
                .map_err(|error| format!("it has a certificate that is not usable: {error}"))?;
            own.push(certificate);
        }
        if roots.is_empty() {
            return Err("there is no certificate in it".to_owned());
        }
        Ok(Self::of(
            roots,
            own,
            Origin::File(path.display().to_string()),
        ))
    }

    fn of(roots: RootCertStore, own: Vec<CertificateDer<'static>>, origin: Origin) -> Self {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3");
        let mut config = if own.is_empty() {
            builder.with_root_certificates(roots)
        } else {
            let verifier = OwnOrSigned::new(roots, own, provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // One connection a run: there is no second one to resume.
        config.resumption = rustls::client::Resumption::disabled();
        Self {
            config: Arc::new(config),
            origin,
            is_configured: false,
        }
    }

    /// The same, named by a configuration file and not by a flag: the policy judges that
    /// too.
    #[must_use]
    pub fn configured(self) -> Self {
        Self {
            is_configured: true,
            ..self
        }
    }

    /// The file that the authorities are from, or words for the system's, if they are not
    /// the bundled ones.
    pub fn origin(&self) -> Option<&str> {
        match &self.origin {
            Origin::Bundle => None,
            Origin::File(path) => Some(path),
            Origin::System => Some(SYSTEM),
        }
    }

    /// What a policy has to allow of it.
    pub fn facts(&self) -> TrustFacts {
        TrustFacts {
            ca_file: self.is_file(),
            system_certs: self.is_system(),
            configured: self.is_configured(),
            ..TrustFacts::default()
        }
    }

    fn is_file(&self) -> bool {
        matches!(self.origin, Origin::File(_))
    }

    fn is_system(&self) -> bool {
        matches!(self.origin, Origin::System)
    }

    fn is_configured(&self) -> bool {
        self.is_configured
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

/// Takes what an authority of the file signed, and a certificate that is itself in the
/// file, byte for byte, though it is an authority's: Vault's and other servers of a
/// laboratory have such a one, and other programs take it.
#[derive(Debug)]
pub(crate) struct OwnOrSigned {
    usual: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl OwnOrSigned {
    pub(crate) fn new(
        roots: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let usual = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .expect("there are authorities, and no revocation lists");
        Self { usual, own }
    }
}

impl ServerCertVerifier for OwnOrSigned {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self
            .usual
            .verify_server_cert(server, intermediates, name, ocsp, now)
        {
            // Whether it is valid now is judged before this is: one that has expired does
            // not come here.
            Err(Error::InvalidCertificate(error))
                if is_authority(&error) && self.own.contains(server) =>
            {
                verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether the certificate is not taken because it is an authority's.
pub(super) fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else {
        return false;
    };
    matches!(
        other.0.downcast_ref(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
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
    let most = Trust::MAX_PEM_BYTES;
    file.take(most + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > most {
        let reason = format!("it is longer than {most} bytes");
        return Err(io::Error::other(reason));
    }
    Ok(pem)
}

/// Certificate authorities that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot be used: {detail}", self.what())]
pub struct TrustError {
    /// The file; `None` where they are the system's.
    path: Option<PathBuf>,
    detail: String,
}

impl TrustError {
    /// A file of authorities that cannot be used, for the caller who reads it.
    pub fn of_file(path: PathBuf, detail: String) -> Self {
        Self {
            path: Some(path),
            detail,
        }
    }

    fn what(&self) -> String {
        match &self.path {
            Some(path) => format!("the file of certificate authorities {}", path.display()),
            None => "the system's certificate authorities".to_owned(),
        }
    }
}

impl Diagnose for TrustError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self.path {
            Some(_) => {
                "give a PEM file with the certificate of the authority that signed the server's"
                    .to_owned()
            }
            None => "install them (the package ca-certificates), or set SSL_CERT_FILE to a PEM file that has them"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    const AUTHORITY: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/certificate/authority");
    /// Of the same name and the same key.
    const OTHER: &[u8] =
        include_bytes!("../../../../tests/fuzz/seeds/certificate/authority_of_another_name");
    const SERVER: &[u8] = include_bytes!("../../../../tests/fuzz/seeds/certificate/good");
    const PEM: &[u8] =
        include_bytes!("../../../../tests/simulator/certificates/rsa-2048-authority.pem");

    #[test]
    fn where_the_authorities_are_from_is_known() {
        let bundled = Trust::bundled();
        assert_eq!(bundled.origin(), None);
        assert!(!bundled.is_file() && !bundled.is_system() && !bundled.is_configured());
        let file = Trust::pem(PEM, "/ca.pem".into()).unwrap();
        assert_eq!(file.origin(), Some("/ca.pem"));
        assert!(file.is_file() && !file.is_system() && !file.is_configured());
        let configured = file.configured();
        assert!(configured.is_file() && configured.is_configured());
        let system = Trust {
            origin: Origin::System,
            ..bundled
        };
        assert_eq!(system.origin(), Some("the system's certificates"));
        assert!(!system.is_file() && system.is_system());
        // One protocol, and no connection of before is resumed.
        assert_eq!(system.config().alpn_protocols, [b"http/1.1"]);
    }

    #[test]
    fn a_file_that_is_of_no_use_is_named_with_the_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let said = |path: &Path| {
            let error = Trust::pem_file(path.to_owned()).unwrap_err();
            assert!(error.hint().unwrap().starts_with("give a PEM file"));
            assert_eq!(error.class(), Class::Usage);
            let said = error.to_string();
            let begin = format!(
                "the file of certificate authorities {} cannot be used: ",
                path.display()
            );
            said.strip_prefix(&begin).expect(&said).to_owned()
        };
        assert!(said(&path).starts_with("No such file"));
        assert_eq!(said(directory.path()), "it is not a regular file");
        let most = usize::try_from(Trust::MAX_PEM_BYTES).unwrap();
        assert_eq!(most, 1_048_576);
        fs::write(&path, vec![b'a'; most + 1]).unwrap();
        assert_eq!(said(&path), "it is longer than 1048576 bytes");
        fs::write(&path, vec![b'a'; most]).unwrap();
        assert_eq!(said(&path), "there is no certificate in it");
        fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(said(&path).starts_with("it is not PEM: "));
        fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(said(&path).starts_with("it has a certificate that is not usable: "));
        fs::write(&path, PEM).unwrap();
        assert!(Trust::pem_file(path).unwrap().is_file());
        let system = TrustError {
            path: None,
            detail: "there are none".to_owned(),
        };
        assert_eq!(
            system.to_string(),
            "the system's certificate authorities cannot be used: there are none"
        );
        assert!(system.hint().unwrap().contains("ca-certificates"));
    }

    #[test]
    fn an_authority_of_the_file_is_a_server_byte_for_byte_and_by_its_name() {
        let own = CertificateDer::from(AUTHORITY.to_vec());
        let mut roots = RootCertStore::empty();
        roots.add(own.clone()).unwrap();
        let verifier = OwnOrSigned::new(roots, vec![own], Arc::new(ring::default_provider()));
        let verify = |server: &'static [u8], name: &'static str, year: u64| {
            let now = UnixTime::since_unix_epoch(Duration::from_hours((year - 1970) * 8766));
            let (server, name) = (CertificateDer::from(server), name.try_into().unwrap());
            verifier
                .verify_server_cert(&server, &[], &name, &[], now)
                .map(drop)
        };
        assert_eq!(verify(AUTHORITY, "api.tailscale.com", 2026), Ok(()));
        let name = verify(AUTHORITY, "example.com", 2026).unwrap_err();
        assert!(matches!(
            name,
            Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
        ));
        for year in [2019, 2100] {
            assert!(
                verify(AUTHORITY, "api.tailscale.com", year).is_err(),
                "{year}"
            );
        }
        let Error::InvalidCertificate(other) = verify(OTHER, "evil.example", 2026).unwrap_err()
        else {
            panic!("it is not in the file")
        };
        assert!(is_authority(&other));
        assert!(!is_authority(&CertificateError::Expired));
        // What the authority signed is taken as elsewhere.
        assert_eq!(verify(SERVER, "api.tailscale.com", 2026), Ok(()));
        assert!(verify(SERVER, "example.com", 2026).is_err());
        assert!(!verifier.supported_verify_schemes().is_empty());
    }
}
