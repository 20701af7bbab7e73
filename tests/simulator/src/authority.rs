use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::certificate::Failed;

/// A throwaway authority that signs for servers beside the API: issuers, and sources of
/// identity tokens. It is the one that is given out, unless the API's certificate is to be
/// at fault.
#[derive(Clone)]
pub(crate) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new one, and its certificate as PEM.
    pub(crate) fn new(name: &str) -> Result<(Self, String), Failed> {
        let params = params(name);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let authority = Self {
            certificate: certificate.der().clone(),
            issuer: Arc::new(Issuer::new(params, key)),
        };
        Ok((authority, certificate.pem()))
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// A server for these names, with a key of its own.
    pub(crate) fn server(&self, names: &[&str]) -> Result<Arc<ServerConfig>, Failed> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut leaf = CertificateParams::new(names)?;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// A client that trusts what this authority signed, and nothing else.
    pub(crate) fn client(&self) -> Result<Arc<ClientConfig>, Failed> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// What every authority's certificate says.
pub(crate) fn params(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, name);
    authority
}
