use std::sync::Arc;

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

use crate::authority::{self, Authority};

/// What is wrong with the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Nothing.
    #[default]
    None,
    /// Nothing, but the client has to have one too.
    AsksForClients,
    /// It is an authority's, and is the one that is given out: servers of a laboratory have
    /// such a one.
    Authority,
    /// The same, but it ended in 2020.
    AuthorityExpired,
    /// The same, but it is not the one that is given out.
    AuthorityUnknown,
    /// The same, but for another name.
    AuthorityWrongName,
    /// Its name is its common name only, as was the custom before 2011.
    CommonNameOnly,
    /// It ended in 2020.
    Expired,
    /// An authority that is known signed for one that did, which does not come
    /// along.
    MissingIntermediate,
    /// It begins in 2090.
    NotYetValid,
    /// The authority's key has 1024 bits.
    Rsa1024,
    /// Nothing: it is made as [`CertificateFault::Rsa1024`] is, with 2048 bits.
    Rsa2048,
    /// It signed itself, and no authority knows it.
    SelfSigned,
    /// It is signed with SHA-1.
    Sha1,
    /// It is from an authority that is not the one that is given out.
    UnknownAuthority,
    /// It is for another name.
    WrongName,
}

/// The names that the certificate is for: the API's, and loopback's for clients
/// that can be given a base URL and nothing else.
const NAMES: [&str; 3] = ["api.tailscale.com", "localhost", "127.0.0.1"];

/// The name of the authority that is given out.
const AUTHORITY: &str = "tailmint simulator, throwaway";

/// A throwaway authority and a server certificate that it signed.
pub(crate) struct Certificate {
    pub(crate) ca_pem: String,
    pub(crate) config: Arc<ServerConfig>,
    /// It signs for the servers beside the API.
    pub(crate) authority: Authority,
}

pub(crate) type Failed = Box<dyn std::error::Error>;

impl Certificate {
    pub(crate) fn new(fault: CertificateFault) -> Result<Self, Failed> {
        macro_rules! made {
            ($name:literal) => {
                Self::made_before(
                    include_str!(concat!("../certificates/", $name, "-authority.pem")),
                    include_bytes!(concat!("../certificates/", $name, ".pem")),
                )
            };
        }
        match fault {
            CertificateFault::Rsa1024 => made!("rsa-1024"),
            CertificateFault::Rsa2048 => made!("rsa-2048"),
            CertificateFault::Sha1 => made!("sha-1"),
            CertificateFault::Authority
            | CertificateFault::AuthorityExpired
            | CertificateFault::AuthorityUnknown
            | CertificateFault::AuthorityWrongName => Self::of_authority(fault),
            _ => Self::made_now(fault),
        }
    }

    /// One that was made with another program.
    fn made_before(authority: &str, leaf: &[u8]) -> Result<Self, Failed> {
        let key = include_bytes!("../certificates/leaf-key.pem");
        let leaf = CertificateDer::from_pem_slice(leaf)?;
        let config = config(leaf, PrivateKeyDer::from_pem_slice(key)?, None)?;
        Ok(Self {
            ca_pem: authority.to_owned(),
            config: Arc::new(config),
            authority: Authority::new(AUTHORITY)?.0,
        })
    }

    /// An authority that is a server too.
    fn of_authority(fault: CertificateFault) -> Result<Self, Failed> {
        let authority = || -> Result<(rcgen::Certificate, KeyPair), Failed> {
            let mut both = authority::params("tailmint simulator, authority and server");
            let names = match fault {
                CertificateFault::AuthorityWrongName => vec!["api.example.com".to_owned()],
                _ => NAMES.map(str::to_owned).to_vec(),
            };
            both.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
            both.key_usages.push(KeyUsagePurpose::DigitalSignature);
            if fault == CertificateFault::AuthorityExpired {
                both.not_before = date_time_ymd(2019, 1, 1);
                both.not_after = date_time_ymd(2020, 1, 1);
            }
            let key = KeyPair::generate()?;
            Ok((both.self_signed(&key)?, key))
        };
        let (certificate, key) = authority()?;
        let ca_pem = match fault {
            CertificateFault::AuthorityUnknown => authority()?.0.pem(),
            _ => certificate.pem(),
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Self {
            ca_pem,
            config: Arc::new(config(certificate.der().clone(), key, None)?),
            authority: Authority::new(AUTHORITY)?.0,
        })
    }

    fn made_now(fault: CertificateFault) -> Result<Self, Failed> {
        let (authority, mut ca_pem) = Authority::new(AUTHORITY)?;
        let between = match fault {
            CertificateFault::MissingIntermediate => {
                let params = authority::params("tailmint simulator, in between");
                let key = KeyPair::generate()?;
                // It is signed, and then kept back.
                params.signed_by(&key, authority.issuer())?;
                Some(Issuer::new(params, key))
            }
            _ => None,
        };
        if fault == CertificateFault::UnknownAuthority {
            ca_pem = Authority::new("tailmint simulator, another")?.1;
        }
        let mut leaf = CertificateParams::new(match fault {
            CertificateFault::CommonNameOnly => Vec::new(),
            CertificateFault::WrongName => vec!["api.example.com".to_owned()],
            _ => NAMES.map(str::to_owned).to_vec(),
        })?;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let name = match fault {
            CertificateFault::CommonNameOnly => NAMES[0],
            _ => "tailmint simulator",
        };
        leaf.distinguished_name.push(DnType::CommonName, name);
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
            _ => leaf.signed_by(&leaf_key, between.as_ref().unwrap_or(authority.issuer()))?,
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let clients = (fault == CertificateFault::AsksForClients).then(|| authority.certificate());
        Ok(Self {
            ca_pem,
            config: Arc::new(config(leaf.der().clone(), key, clients)?),
            authority,
        })
    }
}

/// A server with the certificate, whose clients need one of that authority.
fn config(
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    clients: Option<&CertificateDer<'static>>,
) -> Result<ServerConfig, Failed> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.clone())?;
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(vec![leaf], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
