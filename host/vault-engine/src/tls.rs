//! Mutual TLS between two processes that have told each other their one certificate. The
//! other side is the process that shows exactly that certificate and signs with its key. No
//! chain is built: Vault's certificate is its own authority (`CA:TRUE`), which webpki does
//! not take for the certificate of a server.

use std::{
    error::Error,
    sync::{Arc, LazyLock},
};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    version,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SignatureVerificationAlgorithm,
    UnixTime, pem::PemObject,
};

use crate::p521_signatures::P521Signatures;

/// The name in both certificates, which Go compares.
const NAME: &str = "localhost";

/// grpc-go takes no peer that does not choose it by ALPN.
const PROTOCOL: &[u8] = b"h2";

/// What Vault signs with today, and ring's: another key of Vault's is no less the one that it
/// announced.
static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
    const P521: &[&dyn SignatureVerificationAlgorithm] = &[&P521Signatures];
    let ring = ring::default_provider().signature_verification_algorithms;
    let today = (SignatureScheme::ECDSA_NISTP521_SHA512, P521);
    WebPkiSupportedAlgorithms {
        all: Vec::leak([P521, ring.all].concat()),
        mapping: Vec::leak([&[today], ring.mapping].concat()),
    }
});

/// Both directions of the connection with Vault, over one pair of certificates.
pub(crate) struct Tls {
    /// This program's certificate, which Vault is told of.
    pub(crate) certificate: CertificateDer<'static>,
    /// For the connection that Vault opens.
    pub(crate) server: Arc<ServerConfig>,
    /// For the connection to Vault's storage.
    pub(crate) client: Arc<ClientConfig>,
}

impl Tls {
    /// With the certificate that Vault announced, in PEM. This program's own is new, on the
    /// curve P-256.
    pub(crate) fn with_peer(pem: &str) -> Result<Self, Box<dyn Error>> {
        let peer = CertificateDer::from_pem_slice(pem.as_bytes())?;
        let verifier = Arc::new(Announced(peer));
        let provider = Arc::new(CryptoProvider {
            signature_verification_algorithms: *ALGORITHMS,
            ..ring::default_provider()
        });
        let key = KeyPair::generate()?;
        let mut properties = CertificateParams::new(vec![NAME.to_owned()])?;
        properties.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        properties.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = properties.self_signed(&key)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.clone()];
        let versions = &[&version::TLS13];
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(verifier.clone())
            .with_single_cert(chain.clone(), key.clone_key())?;
        server.alpn_protocols = vec![PROTOCOL.to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(chain, key)?;
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self {
            certificate,
            server: Arc::new(server),
            client: Arc::new(client),
        })
    }

    /// What Vault is asked for by.
    pub(crate) fn name() -> ServerName<'static> {
        ServerName::try_from(NAME).expect("a name")
    }
}

/// The one certificate that the other side announced.
#[derive(Debug)]
struct Announced(CertificateDer<'static>);

impl Announced {
    fn check(&self, shown: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if *shown == self.0 {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }
}

/// The handshake's signature, by the key of the certificate.
fn signed(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    verify_tls13_signature(message, certificate, signature, &ALGORITHMS)
}

fn no_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
    Err(rustls::Error::General("TLS 1.2 is not offered".to_owned()))
}

impl ClientCertVerifier for Announced {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        signed(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

impl ServerCertVerifier for Announced {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        signed(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    fn certificate() -> (CertificateDer<'static>, String) {
        let key = KeyPair::generate().unwrap();
        let properties = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let certificate = properties.self_signed(&key).unwrap();
        (certificate.der().clone(), certificate.pem())
    }

    #[tokio::test]
    async fn a_peer_with_another_kind_of_key_is_the_one_that_it_announced() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let properties = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
            let certificate = properties.self_signed(&key).unwrap();
            let ours = Tls::with_peer(&certificate.pem()).unwrap();
            let verifier = Arc::new(Announced(ours.certificate.clone()));
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let provider = Arc::new(ring::default_provider());
            let mut client = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&version::TLS13])
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_client_auth_cert(vec![certificate.der().clone()], key)
                .unwrap();
            client.alpn_protocols = vec![PROTOCOL.to_vec()];
            let (here, there) = tokio::io::duplex(1 << 16);
            let (accepted, connected) = tokio::join!(
                TlsAcceptor::from(ours.server).accept(here),
                TlsConnector::from(Arc::new(client)).connect(Tls::name(), there),
            );
            assert!(accepted.is_ok() && connected.is_ok(), "{algorithm:?}");
        }
    }

    #[test]
    fn no_certificate_but_the_announced_one_is_accepted() {
        let (own, pem) = certificate();
        let (other, _) = certificate();
        let announced = Announced(own.clone());
        assert!(announced.check(&own).is_ok() && announced.check(&other).is_err());
        let now = UnixTime::now();
        assert!(announced.verify_client_cert(&other, &[], now).is_err());
        let name = Tls::name();
        let by_server = announced.verify_server_cert(&other, &[], &name, &[], now);
        assert!(by_server.is_err());
        assert!(announced.client_auth_mandatory());
        assert!(no_tls12().is_err());
        // One of the two is new each time.
        let [one, two] = [&pem, &pem].map(|pem| Tls::with_peer(pem).unwrap().certificate);
        assert_ne!(one, two);
        for pem in ["", "a certificate", "-----BEGIN CERTIFICATE-----\n-----END"] {
            assert!(Tls::with_peer(pem).is_err(), "{pem}");
        }
    }
}
