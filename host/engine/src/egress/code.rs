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

#[cfg(test)]
mod tests {
    use tailmint_api::OutsideText;
    use tailmint_core::CertificateProblem;

    use super::*;

    #[test]
    fn a_certificate_is_told_from_the_protocol() {
        let tls = |certificate| Failure::Tls {
            peer: String::new(),
            detail: OutsideText::default(),
            certificate,
        };
        let certificate = code(&tls(Some(CertificateProblem::Time)));
        assert!(matches!(certificate, WasiError::TlsCertificateError));
        assert!(matches!(code(&tls(None)), WasiError::TlsProtocolError));
        assert!(matches!(
            code(&Failure::Encoded),
            WasiError::HttpResponseContentCoding(None)
        ));
    }
}
