use std::{net::SocketAddr, time::Duration};

use crate::{CertificateFault, FederatedIdentity, OauthClient};

/// What a simulator begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the API listens. The default picks a free port.
    pub listen: SocketAddr,
    /// Where the control listener listens, likewise.
    pub control: SocketAddr,
    /// The OAuth clients. The default has `bootstrap` and `k8s-operator`.
    pub clients: Vec<OauthClient>,
    /// The federated identities. The default has none.
    pub identities: Vec<FederatedIdentity>,
    /// Which tags own which: the first may give the second to machines.
    pub tag_owners: Vec<(String, String)>,
    /// Tags that exist, beside those of the clients.
    pub tags: Vec<String>,
    /// How long each document of an issuer may take. The default is patient, so that a machine
    /// that is busy is no failure.
    pub issuer_limit: Duration,
    /// By how much identity tokens may be too old or too new. The default is 0.
    pub leeway: Duration,
    /// The response of the exchange has the member `tags`. The default is that it has not:
    /// whether the service sends it is not known.
    pub exchange_has_tags: bool,
    /// Answers in Headscale's shapes.
    pub headscale: bool,
    /// What is wrong with the certificate, if anything.
    pub certificate: CertificateFault,
}

impl Default for Setup {
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let client =
            |name: &str, scopes: &[&str], tag: &str| OauthClient::new(name, scopes, &[tag]);
        Self {
            listen: any,
            control: any,
            clients: vec![
                client("bootstrap", &["auth_keys", "devices"], "tag:tazpod"),
                client(
                    "k8s-operator",
                    &["devices", "auth_keys", "services"],
                    "tag:k8s-operator",
                ),
            ],
            identities: Vec::new(),
            issuer_limit: Duration::from_secs(30),
            leeway: Duration::ZERO,
            exchange_has_tags: false,
            tag_owners: vec![("tag:k8s-operator".to_owned(), "tag:k8s".to_owned())],
            tags: Vec::new(),
            headscale: false,
            certificate: CertificateFault::None,
        }
    }
}
