use std::{net::SocketAddr, sync::Arc};

use hyper_util::rt::TokioIo;
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tailmint_api::API_HOST;
use tailmint_core::Failure;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    ConnectTo, Limits, PORT, Proxy, Trust,
    address::not_public,
    reach::reach,
    resolver::{Resolve, System},
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

    /// Resolves and connects under one limit, and shakes hands under another.
    pub(super) async fn connect(&self) -> Result<Stream, Failure> {
        let tcp = if let Some(proxy) = &self.proxy {
            // It resolves the name, in its own time.
            proxy.connect(self.limits.reach).await?
        } else {
            self.tcp().await?
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

    /// Judges an address before it is connected to. One that is not public rejects the
    /// name: an attacker who controls the resolver may be after that address.
    fn judge(&self, address: SocketAddr) -> Result<(), Failure> {
        // Elsewhere is where the user said, be it on this machine.
        if self.connect_to.is_some() || !matches!(self.host, Host::Api) {
            return Ok(());
        }
        match not_public(address.ip()) {
            None => Ok(()),
            Some(range) => Err(Failure::NotPublic {
                host: API_HOST.to_owned(),
                address: address.ip(),
                range,
            }),
        }
    }

    /// Resolves and connects. The name is asked for once for each connection, so that
    /// what was judged is what is connected to.
    async fn tcp(&self) -> Result<TcpStream, Failure> {
        let (host, port) = self.destination();
        let judge = |address| self.judge(address);
        reach(&*self.resolver, host, port, self.limits.reach, &judge).await
    }
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
    use std::{collections::VecDeque, io, sync::Mutex, time::Duration};

    use super::*;
    use crate::egress::resolver::{Answer, Family};

    /// Resolves by a script, one line for each question.
    #[derive(Debug)]
    struct Scripted(Mutex<VecDeque<Line>>);

    #[derive(Clone, Debug)]
    enum Line {
        Addresses(Vec<&'static str>),
        Many(usize),
        Error(&'static str),
        Late(Duration),
    }

    impl Resolve for Scripted {
        fn resolve<'a>(&'a self, _host: &'a str, port: u16, _family: Family) -> Answer<'a> {
            let line = self.0.lock().unwrap().pop_front().unwrap();
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
            resolver: Arc::new(Scripted(Mutex::new(script.into()))),
            limits: Limits::default(),
        }
    }

    #[test]
    fn what_is_not_public_is_judged_so_unless_the_user_named_it() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 443);
        let api = scripted(vec![], None);
        assert!(api.judge(at("192.200.0.101")).is_ok());
        assert!(api.judge(at("2606:b740:49::1")).is_ok());
        let elsewhere = scripted(vec![], Some("127.0.0.1:8443"));
        for bad in ["127.0.0.1", "10.0.0.1", "100.100.100.100", "fd00::1"] {
            let rejected = api.judge(at(bad));
            assert!(matches!(rejected, Err(Failure::NotPublic { .. })), "{bad}");
            assert!(elsewhere.judge(at(bad)).is_ok());
        }
    }

    /// Whichever family an address is of that is not public: nothing is connected to.
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
            let none = Addresses(vec![]);
            for script in [vec![line.clone(), none.clone()], vec![none, line]] {
                let failure = scripted(script, None).tcp().await.unwrap_err();
                assert!(expected(&failure), "{name}: {failure}");
            }
        }
    }
}
