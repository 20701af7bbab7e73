use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What is wrong with the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Nothing.
    #[default]
    None,
    /// It ended in 2020.
    Expired,
    /// It begins in 2090.
    NotYetValid,
    /// It signed itself, and no authority knows it.
    SelfSigned,
    /// It is for another name.
    WrongName,
}

/// The names that the certificate is for: the API's, and loopback's for clients
/// that can be given a base URL and nothing else.
const NAMES: [&str; 3] = ["api.tailscale.com", "localhost", "127.0.0.1"];

/// A throwaway authority and a server certificate that it signed.
pub(crate) struct Certificate {
    pub(crate) ca_pem: String,
    pub(crate) config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn new(fault: CertificateFault) -> Result<Self, Box<dyn std::error::Error>> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "tailmint simulator, throwaway");
        let authority_key = KeyPair::generate()?;
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let names = match fault {
            CertificateFault::WrongName => vec!["api.example.com".to_owned()],
            _ => NAMES.map(str::to_owned).to_vec(),
        };
        let mut leaf = CertificateParams::new(names)?;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.distinguished_name
            .push(DnType::CommonName, "tailmint simulator");
        match fault {
            CertificateFault::Expired => {
                leaf.not_before = date_time_ymd(2019, 1, 1);
                leaf.not_after = date_time_ymd(2020, 1, 1);
            }
            CertificateFault::NotYetValid => {
                leaf.not_before = date_time_ymd(2090, 1, 1);
                leaf.not_after = date_time_ymd(2091, 1, 1);
            }
            _ => {}
        }
        let leaf_key = KeyPair::generate()?;
        let leaf = match fault {
            CertificateFault::SelfSigned => leaf.self_signed(&leaf_key)?,
            _ => leaf.signed_by(&leaf_key, &issuer)?,
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            ca_pem,
            config: Arc::new(config),
        })
    }
}
