//! What Vault and a plugin tell each other before they are connected: variables and one line.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use rustls_pki_types::CertificateDer;
use tailmint_core::Environment;

/// What Vault sets for its plugins, so that nobody else starts one by mistake (the SDK's
/// `pluginutil`). It is no secret.
const COOKIE: (&str, &str) = (
    "VAULT_BACKEND_PLUGIN",
    "6669da05-b1c8-4f49-97d9-c8e5bed98e20",
);

/// With automatic mutual TLS, and one process for several mounts or for each: from Vault
/// 1.12 on.
const PROTOCOL: &str = "5";

/// What Vault offers.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Vault's certificate for this process, in PEM.
    pub(crate) certificate: String,
}

/// Why there is no handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoHandshake {
    /// Vault did not start this.
    NotVault,
    /// The Vault speaks no version of the protocol that this program does.
    Protocol(String),
    /// There is no certificate, so that the connection would be open to others.
    NoCertificate,
}

impl Handshake {
    /// What the variables say.
    pub(crate) fn read(environment: &Environment) -> Result<Self, NoHandshake> {
        let text = |name| environment.get(name).and_then(|it| it.to_str());
        if text(COOKIE.0) != Some(COOKIE.1) {
            return Err(NoHandshake::NotVault);
        }
        let offered = text("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        if !offered.split(',').any(|version| version == PROTOCOL) {
            return Err(NoHandshake::Protocol(offered.to_owned()));
        }
        match text("PLUGIN_CLIENT_CERT") {
            Some(certificate) => Ok(Self {
                certificate: certificate.to_owned(),
            }),
            None => Err(NoHandshake::NoCertificate),
        }
    }

    /// The line for Vault: where this program listens, and its certificate.
    pub(crate) fn line(socket: &Path, certificate: &CertificateDer<'_>) -> String {
        format!(
            "1|{PROTOCOL}|unix|{}|grpc|{}",
            socket.display(),
            BASE64_STANDARD_NO_PAD.encode(certificate)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_vault_of_this_protocol_is_spoken_with() {
        let read = |cookie, versions, certificate| {
            let variables = [
                (COOKIE.0, cookie),
                ("PLUGIN_PROTOCOL_VERSIONS", versions),
                ("PLUGIN_CLIENT_CERT", certificate),
            ];
            Handshake::read(&Environment::from(variables)).map(|it| it.certificate)
        };
        assert_eq!(read(COOKIE.1, "4,5", "PEM"), Ok("PEM".to_owned()));
        assert_eq!(read("other", "5", "PEM"), Err(NoHandshake::NotVault));
        assert_eq!(read("", "5", "PEM"), Err(NoHandshake::NotVault));
        let other = NoHandshake::Protocol("4,15".to_owned());
        assert_eq!(read(COOKIE.1, "4,15", "PEM"), Err(other));
        assert_eq!(read(COOKIE.1, "5", ""), Err(NoHandshake::NoCertificate));
    }

    #[test]
    fn the_line_has_six_parts() {
        let certificate = CertificateDer::from(vec![1, 2, 3, 4]);
        let line = Handshake::line(Path::new("/tmp/a/socket"), &certificate);
        assert_eq!(line, "1|5|unix|/tmp/a/socket|grpc|AQIDBA");
    }
}
