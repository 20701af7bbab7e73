use std::{net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tailmint_api::API_HOST;
use tailmint_core::{Failure, in_seconds};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    ConnectTo, Limits, PORT, Proxy, Trust,
    address::not_public,
    resolver::{MAX_ADDRESSES, Resolve, System},
};

/// How connections to one host, the API's if nothing else is said, are made.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    trust: Trust,
    connect_to: Option<ConnectTo>,
    host: Host,
    /// Who makes connections to the API, where they are not made elsewhere.
    proxy: Option<Proxy>,
    resolver: Arc<dyn Resolve>,
    limits: Limits,
}

/// Whom connections are for.
#[derive(Clone, Debug)]
enum Host {
    /// The API, which has public addresses.
    Api,
    /// One that the policy names, wherever it is.
    Named { host: String, port: u16 },
}

/// A connection with TLS on it, as hyper takes it.
pub(super) type Stream = TokioIo<TlsStream<TcpStream>>;

impl Connector {
    pub(crate) fn new(
        trust: Trust,
        connect_to: Option<ConnectTo>,
        proxy: Option<Proxy>,
        limits: Limits,
    ) -> Self {
        Self {
            trust,
            connect_to,
            host: Host::Api,
            proxy,
            resolver: Arc::new(System),
            limits,
        }
    }

    /// To a host that the policy names, and that may be in a private network.
    pub(crate) fn to_host(trust: Trust, host: String, port: u16) -> Self {
        Self {
            host: Host::Named { host, port },
            ..Self::new(trust, None, None, Limits::default())
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Resolves, connects and shakes hands, each under its own limit.
    pub(super) async fn connect(&self) -> Result<Stream, Failure> {
        let tcp = if let Some(proxy) = &self.proxy {
            // It resolves the name, in its own time.
            let limit = self.limits.resolve + self.limits.connect;
            proxy.connect(limit).await?
        } else {
            let (host, port) = self.destination();
            let addresses = self.addresses().await?;
            tcp(host, port, &addresses, self.limits.connect).await?
        };
        let connector = TlsConnector::from(self.trust.config());
        let peer = self.peer();
        let name = ServerName::try_from(peer.to_owned()).map_err(|error| Failure::Tls {
            peer: peer.to_owned(),
            detail: error.to_string(),
            certificate: false,
        })?;
        match timeout(self.limits.tls, connector.connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(TokioIo::new(stream)),
            Ok(Err(error)) => Err(tls_failure(peer, &error)),
            Err(_) => Err(Failure::ConnectTimeout {
                peer: peer.to_owned(),
                step: "the TLS handshake",
                limit: self.limits.tls,
            }),
        }
    }
}

impl Connector {
    /// Whose certificate it has to be.
    pub(super) fn peer(&self) -> &str {
        match &self.host {
            Host::Api => API_HOST,
            Host::Named { host, .. } => host,
        }
    }

    fn destination(&self) -> (&str, u16) {
        match (&self.connect_to, &self.host) {
            (Some(to), _) => (to.host.as_str(), to.port),
            (None, Host::Api) => (API_HOST, PORT),
            (None, Host::Named { host, port }) => (host, *port),
        }
    }

    /// The addresses to try, in the resolver's order: asked for once for each
    /// connection, so that what was judged is what is connected to.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let (host, port) = self.destination();
        let addresses = resolve(&*self.resolver, host, port, self.limits.resolve).await?;
        // Elsewhere is where the user said, be it on this machine.
        if self.connect_to.is_none() && matches!(self.host, Host::Api) {
            all_public(host, &addresses)?;
        }
        Ok(addresses)
    }
}

async fn resolve(
    resolver: &dyn Resolve,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, Failure> {
    // An address needs no resolver, and so no thread to ask one on.
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let failed = |detail: String| Failure::Resolve {
        host: host.to_owned(),
        detail,
    };
    let addresses = timeout(limit, resolver.resolve(host, port))
        .await
        .map_err(|_| failed(format!("no response within {}", in_seconds(limit))))?
        .map_err(|error| failed(error.to_string()))?;
    match addresses.len() {
        0 => Err(failed("it has no address".to_owned())),
        1..=MAX_ADDRESSES => Ok(addresses),
        _ => Err(failed(format!(
            "it has more than {MAX_ADDRESSES} addresses"
        ))),
    }
}

/// Rejects the name if a single address is not public: an attacker who controls the
/// resolver may be after that address. Only judged addresses are connected to.
fn all_public(host: &str, addresses: &[SocketAddr]) -> Result<(), Failure> {
    for address in addresses {
        if let Some(range) = not_public(address.ip()) {
            return Err(Failure::NotPublic {
                host: host.to_owned(),
                address: address.ip(),
                range,
            });
        }
    }
    Ok(())
}

/// Tries the addresses in the resolver's order, each with its share of the time.
async fn tcp(
    host: &str,
    port: u16,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<TcpStream, Failure> {
    let peer = || format!("{host}:{port}");
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut failure = None;
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Each request is one write, and waits for its response.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(error)) => {
                failure = Some(Failure::Connect {
                    peer: peer(),
                    detail: error.to_string(),
                });
            }
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or_else(|| Failure::ConnectTimeout {
        peer: peer(),
        step: "a connection",
        limit,
    }))
}

fn tls_failure(peer: &str, error: &std::io::Error) -> Failure {
    let inner = error.get_ref();
    let certificate = match inner.and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(certificate)) => Some(certificate),
        _ => None,
    };
    Failure::Tls {
        peer: peer.to_owned(),
        certificate: certificate.is_some(),
        detail: match certificate {
            Some(certificate) => about_certificate(certificate),
            None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                "the connection was closed during the TLS handshake".to_owned()
            }
            None => error.to_string(),
        },
    }
}

/// What is wrong with a certificate, without the times that rustls adds.
fn about_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        // Of an authority by the same name, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is from an authority that is not trusted".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is for {}", presented.join(", "))
        }
        other => format!("its certificate is not good: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use super::*;
    use crate::egress::resolver::Answer;

    #[test]
    fn one_address_that_is_not_public_is_one_too_many() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 443);
        let public = [at("192.200.0.101"), at("2606:b740:49::1")];
        assert!(all_public("api.tailscale.com", &public).is_ok());
        for bad in ["127.0.0.1", "10.0.0.1", "100.100.100.100", "fd00::1"] {
            for place in 0..=public.len() {
                let mut addresses = public.to_vec();
                addresses.insert(place, at(bad));
                let refused = all_public("api.tailscale.com", &addresses);
                assert!(matches!(refused, Err(Failure::NotPublic { .. })), "{bad}");
            }
        }
    }

    /// Resolves by a script, one line for each question.
    #[derive(Debug)]
    struct Scripted(Mutex<Vec<Line>>);

    #[derive(Debug)]
    enum Line {
        Addresses(Vec<&'static str>),
        Many(usize),
        Error(&'static str),
        Late(Duration),
    }

    impl Resolve for Scripted {
        fn resolve<'a>(&'a self, _host: &'a str, port: u16) -> Answer<'a> {
            let line = self.0.lock().unwrap().remove(0);
            Box::pin(async move {
                let public = SocketAddr::new("192.200.0.101".parse().unwrap(), port);
                match line {
                    Line::Addresses(texts) => Ok(texts
                        .iter()
                        .map(|text| SocketAddr::new(text.parse().unwrap(), port))
                        .collect()),
                    Line::Many(count) => Ok(vec![public; count]),
                    Line::Error(detail) => Err(io::Error::other(detail)),
                    Line::Late(after) => {
                        tokio::time::sleep(after).await;
                        Ok(vec![public])
                    }
                }
            })
        }
    }

    fn scripted(script: Vec<Line>, connect_to: Option<&str>) -> Connector {
        Connector {
            trust: Trust::bundled(),
            connect_to: connect_to.map(|to| to.parse().unwrap()),
            host: Host::Api,
            proxy: None,
            resolver: Arc::new(Scripted(Mutex::new(script))),
            limits: Limits::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_of_resolvers() {
        use Line::{Addresses, Error, Late, Many};
        type Expected = fn(&Failure) -> bool;
        let refused: Expected = |failure| matches!(failure, Failure::NotPublic { .. });
        let unresolved: Expected = |failure| matches!(failure, Failure::Resolve { .. });
        let cases = [
            ("only private", Addresses(vec!["10.0.0.1"]), refused),
            (
                "private among public",
                Addresses(vec!["192.200.0.101", "192.168.0.1"]),
                refused,
            ),
            ("only unique local", Addresses(vec!["fd00::1"]), refused),
            ("mapped", Addresses(vec!["::ffff:192.200.0.101"]), refused),
            ("none", Addresses(vec![]), unresolved),
            (
                "no such name",
                Error("Name or service not known"),
                unresolved,
            ),
            ("truncated", Error("Message too long"), unresolved),
            (
                "resolver fails",
                Error("Temporary failure in name resolution"),
                unresolved,
            ),
            ("a thousand", Many(1000), unresolved),
            ("after a minute", Late(Duration::from_mins(1)), unresolved),
        ];
        for (name, line, expected) in cases {
            let failure = scripted(vec![line], None).addresses().await.unwrap_err();
            assert!(expected(&failure), "{name}: {failure}");
        }
        // As many as are looked at are not too many.
        let all = scripted(vec![Many(MAX_ADDRESSES)], None).addresses().await;
        assert_eq!(all.unwrap().len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn each_connection_asks_once_and_judges_what_it_heard() {
        use Line::Addresses;
        // A name that leads elsewhere the second time: the first address is used
        // for the first connection, and the second is rejected.
        let script = vec![
            Addresses(vec!["192.200.0.101"]),
            Addresses(vec!["169.254.169.254"]),
        ];
        let connector = scripted(script, None);
        let first = connector.addresses().await.unwrap();
        assert_eq!(first[0].ip().to_string(), "192.200.0.101");
        let second = connector.addresses().await.unwrap_err();
        assert!(matches!(second, Failure::NotPublic { .. }), "{second}");
        // An address needs no question at all.
        let literal = scripted(vec![], Some("127.0.0.1:8443"));
        assert_eq!(literal.addresses().await.unwrap().len(), 1);
    }
}
