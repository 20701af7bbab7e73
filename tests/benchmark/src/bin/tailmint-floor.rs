//! The floor: mints as tailmint does, with the same logic and the same TLS client,
//! without a sandbox, a policy, seals or an audit.
//!
//! usage: tailmint-floor `SECRETS_DIR` `HOST:PORT` `CA_FILE`

use std::{env, error::Error, fs, path::Path, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tailmint_minter::{
    Credential, KeyProperties, OauthClient, Request, Response, Transport, TransportCause,
    TransportError, auth_keys,
};
use tokio::{net::TcpStream, runtime::Runtime};
use tokio_rustls::TlsConnector;

const API_HOST: &str = "api.tailscale.com";

struct Native {
    runtime: Runtime,
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Native {
    fn connect(to: &str, ca: &str) -> Result<Self, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sender = runtime.block_on(async {
            let tcp = TcpStream::connect(to).await?;
            tcp.set_nodelay(true)?;
            let tls = TlsConnector::from(Arc::new(config));
            let stream = tls.connect(ServerName::try_from(API_HOST)?, tcp).await?;
            let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(driver);
            Ok::<_, Box<dyn Error>>(sender)
        })?;
        Ok(Self { runtime, sender })
    }

    fn answer(&mut self, request: &Request) -> Result<Response, Box<dyn Error>> {
        let body = request.body.as_ref().map(|body| body.content.clone());
        let mut sent = http::Request::builder()
            .method(request.route.method().as_str())
            .uri(&request.path)
            .header("host", API_HOST);
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let sent = sent.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        self.runtime.block_on(async {
            let (parts, body) = self.sender.send_request(sent).await?.into_parts();
            Ok(Response {
                status: parts.status.as_u16(),
                body: body.collect().await?.to_bytes().into(),
                ..Response::default()
            })
        })
    }
}

impl Transport for Native {
    fn send(&mut self, request: &Request) -> Result<Response, TransportError> {
        self.answer(request).map_err(|error| TransportError::Lost {
            cause: TransportCause::Connection,
            detail: error.to_string(),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().collect();
    let [_, secrets, to, ca] = arguments.as_slice() else {
        return Err("give SECRETS_DIR HOST:PORT CA_FILE".into());
    };
    let read = |name: &str| -> Result<String, Box<dyn Error>> {
        let text = fs::read_to_string(Path::new(secrets).join(name))?;
        Ok(text.trim_end().to_owned())
    };
    let credential = Credential::OauthClient(OauthClient {
        id: read("tailscale-oauth-client-id")?,
        secret: read("tailscale-oauth-client-secret")?,
    });
    let properties = KeyProperties {
        reusable: true,
        ephemeral: true,
        preauthorized: true,
        tags: vec!["tag:tazpod".to_owned()],
        expiry_seconds: 3600,
        description: None,
    };
    let mut transport = Native::connect(to, ca)?;
    let minted = auth_keys::mint(&mut transport, &credential, "-", &properties)
        .map_err(|error| format!("{error:?}"))?;
    println!("{}", minted.key);
    Ok(())
}
