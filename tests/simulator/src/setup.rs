use std::net::SocketAddr;

use crate::{CertificateFault, OauthClient};

/// What a simulator begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the API listens. The default picks a free port.
    pub listen: SocketAddr,
    /// Where the control listener listens, likewise.
    pub control: SocketAddr,
    /// The OAuth clients. The default has `bootstrap` and `k8s-operator`.
    pub clients: Vec<OauthClient>,
    /// Which tags own which: the first may give the second to machines.
    pub tag_owners: Vec<(String, String)>,
    /// Tags that exist, beside those of the clients.
    pub tags: Vec<String>,
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
            tag_owners: vec![("tag:k8s-operator".to_owned(), "tag:k8s".to_owned())],
            tags: Vec::new(),
            headscale: false,
            certificate: CertificateFault::None,
        }
    }
}
