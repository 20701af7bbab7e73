use std::{net::IpAddr, time::Duration};

use wasmtime_wasi_http::Error as WasiError;

use super::limits::in_words;

/// Why no answer came to a request that the policy let through.
///
/// Those up to [`Failure::Tls`] happen before a byte of the request has left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The host's name has no address.
    #[error("{host} could not be resolved: {detail}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        detail: String,
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
    },
    /// The host could not be connected to.
    #[error("{peer} could not be connected to: {detail}")]
    Connect {
        /// Whom the connection was for.
        peer: String,
        /// What the system said.
        detail: String,
    },
    /// The proxy made no connection.
    #[error("the proxy {proxy} made no connection: {detail}")]
    Proxy {
        /// The proxy, without what it is told about the user.
        proxy: String,
        /// What went wrong.
        detail: String,
    },
    /// Making the connection took too long.
    #[error("{step} with {peer} took longer than {}", in_words(*limit))]
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
        detail: String,
        /// Whether the certificate is what is wrong.
        certificate: bool,
    },
    /// The connection ended before the answer was whole.
    #[error("the connection broke: {detail}")]
    Broken {
        /// What the HTTP library said.
        detail: String,
    },
    /// No whole answer came in time.
    #[error("no whole answer came within {}", in_words(*limit))]
    AnswerTimeout {
        /// How long was allowed.
        limit: Duration,
    },
    /// The answer is too long.
    #[error("the answer is longer than {most} bytes")]
    TooLong {
        /// How many bytes it may have.
        most: usize,
    },
    /// The answer is in an encoding that was not asked for.
    #[error("the answer is encoded in a way that was not asked for")]
    Encoded,
}

impl Failure {
    /// Whether the request may have got to the other side.
    pub(crate) fn may_have_arrived(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::NotPublic { .. }
            | Self::Proxy { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Tls { .. } => false,
            Self::Broken { .. }
            | Self::AnswerTimeout { .. }
            | Self::TooLong { .. }
            | Self::Encoded => true,
        }
    }

    /// What the component is told.
    pub(super) fn code(&self) -> WasiError {
        match self {
            Self::Resolve { detail, .. } => WasiError::DnsError {
                rcode: Some(detail.clone()),
                info_code: None,
            },
            Self::NotPublic { .. } => WasiError::DestinationIpProhibited,
            Self::Connect { .. } | Self::Proxy { .. } => WasiError::ConnectionRefused,
            Self::ConnectTimeout { .. } => WasiError::ConnectionTimeout,
            Self::Tls {
                certificate: true, ..
            } => WasiError::TlsCertificateError,
            Self::Tls { .. } => WasiError::TlsProtocolError,
            Self::Broken { .. } => WasiError::ConnectionTerminated,
            Self::AnswerTimeout { .. } => WasiError::HttpResponseTimeout,
            Self::TooLong { .. } => WasiError::HttpResponseBodySize(None),
            Self::Encoded => WasiError::HttpResponseContentCoding(None),
        }
    }
}
