use std::{net::IpAddr, time::Duration};

use tailmint_api::OutsideText;

use crate::in_seconds;

/// Why no response came to a request that the policy allowed.
///
/// What others said about it is fit to be printed.
/// [`Failure::may_have_arrived`] tells those that happen before the request is sent from
/// the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host's name has no address.
    #[error("{host} could not be resolved: {detail}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        detail: OutsideText,
    },
    /// The name leads to an address that is not public.
    #[error("{host} leads to {address}, which is not public: {range}")]
    NotPublic {
        /// The name.
        host: String,
        /// The address.
        address: IpAddr,
        /// What the address is for.
        range: &'static str,
        /// How to go on.
        remedy: &'static str,
    },
    /// The host could not be connected to.
    #[error("{peer} could not be connected to: {detail}")]
    Connect {
        /// Whom the connection was for.
        peer: String,
        /// What the system said.
        detail: OutsideText,
    },
    /// The proxy made no connection.
    #[error("the proxy {proxy} made no connection: {detail}")]
    Proxy {
        /// The proxy, without what it is told about the user.
        proxy: String,
        /// What went wrong.
        detail: OutsideText,
    },
    /// Making the connection took too long.
    #[error("{step} with {peer} took longer than {}", in_seconds(*limit))]
    ConnectTimeout {
        /// Whom the connection was for.
        peer: String,
        /// What was being done.
        step: &'static str,
        /// How long was allowed.
        limit: Duration,
    },
    /// The TLS handshake failed, or the certificate is not good.
    #[error("{peer} is not trusted: {detail}")]
    Tls {
        /// Whom the connection was for.
        peer: String,
        /// What the TLS library said.
        detail: OutsideText,
        /// What is wrong with the certificate, where it is that.
        certificate: Option<CertificateProblem>,
    },
    /// The connection ended before the response was whole.
    #[error("the connection broke: {detail}")]
    Broken {
        /// What the HTTP library said.
        detail: OutsideText,
    },
    /// No whole response came in time.
    #[error("no whole response came within {}", in_seconds(*limit))]
    ResponseTimeout {
        /// How long was allowed.
        limit: Duration,
    },
    /// The response is too long.
    #[error("the response is longer than {most} bytes")]
    TooLong {
        /// How many bytes it may have.
        most: usize,
    },
    /// The response is in an encoding that was not asked for.
    #[error("the response is encoded in a way that was not asked for")]
    Encoded,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It is from an authority that is not trusted.
    Authority,
    /// It is the certificate of an authority, in the position of a server's.
    IsAuthority,
    /// By this machine's clock it is not valid now.
    Time,
    /// Something else.
    Other,
}

impl CertificateProblem {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Authority | Self::Other => {
                "see whether a proxy with a certificate of its own stands between"
            }
            Self::IsAuthority => "trust that certificate itself, or give the server another",
            Self::Time => {
                "see whether this machine's clock is right: date; where it is, see whether a proxy with a certificate of its own stands between"
            }
        }
    }
}

impl Failure {
    /// Whether the request may have reached the server, so that it may have had its effect.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::NotPublic { .. }
            | Self::Proxy { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Tls { .. } => false,
            Self::Broken { .. }
            | Self::ResponseTimeout { .. }
            | Self::TooLong { .. }
            | Self::Encoded => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_after_the_request_may_have_arrived() {
        let text = || OutsideText::new("a");
        let peer = || "api.tailscale.com".to_owned();
        let limit = Duration::from_secs(1);
        for (failure, may_have_arrived) in [
            (
                Failure::Resolve {
                    host: peer(),
                    detail: text(),
                },
                false,
            ),
            (
                Failure::NotPublic {
                    host: peer(),
                    address: [127, 0, 0, 1].into(),
                    range: "loopback",
                    remedy: "",
                },
                false,
            ),
            (
                Failure::Connect {
                    peer: peer(),
                    detail: text(),
                },
                false,
            ),
            (
                Failure::Proxy {
                    proxy: peer(),
                    detail: text(),
                },
                false,
            ),
            (
                Failure::ConnectTimeout {
                    peer: peer(),
                    step: "TLS",
                    limit,
                },
                false,
            ),
            (
                Failure::Tls {
                    peer: peer(),
                    detail: text(),
                    certificate: None,
                },
                false,
            ),
            (Failure::Broken { detail: text() }, true),
            (Failure::ResponseTimeout { limit }, true),
            (Failure::TooLong { most: 1 }, true),
            (Failure::Encoded, true),
        ] {
            assert_eq!(failure.may_have_arrived(), may_have_arrived, "{failure}");
        }
    }

    #[test]
    fn each_problem_of_a_certificate_has_its_remedy() {
        for (problem, remedy) in [
            (CertificateProblem::Authority, "proxy"),
            (CertificateProblem::Other, "proxy"),
            (
                CertificateProblem::IsAuthority,
                "trust that certificate itself",
            ),
            (CertificateProblem::Time, "clock"),
        ] {
            assert!(problem.remedy().contains(remedy), "{problem:?}");
        }
    }
}
