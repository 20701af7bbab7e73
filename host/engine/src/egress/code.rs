use tailmint_core::Failure;
use wasmtime_wasi_http::Error as WasiError;

/// What the component is told of a failure.
pub(super) fn code(failure: &Failure) -> WasiError {
    match failure {
        // What the resolver said is in the failure, which the error keeps.
        Failure::Resolve { .. } => WasiError::DnsError {
            rcode: None,
            info_code: None,
        },
        Failure::NotPublic { .. } => WasiError::DestinationIpProhibited,
        Failure::Connect { .. } | Failure::Proxy { .. } => WasiError::ConnectionRefused,
        Failure::ConnectTimeout { .. } => WasiError::ConnectionTimeout,
        Failure::Tls {
            certificate: Some(_),
            ..
        } => WasiError::TlsCertificateError,
        Failure::Tls { .. } => WasiError::TlsProtocolError,
        Failure::Broken { .. } => WasiError::ConnectionTerminated,
        Failure::ResponseTimeout { .. } => WasiError::HttpResponseTimeout,
        Failure::TooLong { .. } => WasiError::HttpResponseBodySize(None),
        Failure::Encoded => WasiError::HttpResponseContentCoding(None),
    }
}
