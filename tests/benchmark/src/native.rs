//! Mints as tailmint does, with the same logic and the same TLS client, without a
//! sandbox, a policy, seals or an audit.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tailmint::internals::Unsandboxed;
use tailmint_minter::{
    Credential, KeyProperties, MintedKey, OauthClient, Request, Response, Transport,
    TransportCause, TransportError, auth_keys,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::TlsConnector;

const API_HOST: &str = "api.tailscale.com";

type Failed = Box<dyn Error>;

/// A way to the API, and the runtime that drives it.
pub struct Native {
    runtime: Runtime,
    way: Way,
}

enum Way {
    /// A connection.
    Wire(http1::SendRequest<Full<Bytes>>),
    /// The host's own pipeline.
    Host(Unsandboxed),
}

impl Native {
    /// Connects there, as to the API, and trusts the authority in the file.
    ///
    /// # Errors
    /// The file or the connection is not good.
    pub fn connect(to: &str, ca: &str) -> Result<Self, Failed> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self::on(async {
            let tcp = TcpStream::connect(to).await?;
            tcp.set_nodelay(true)?;
            let tls = TlsConnector::from(Arc::new(config));
            Ok(tls.connect(ServerName::try_from(API_HOST)?, tcp).await?)
        })
    }

    /// Talks over what this opens.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn on<S>(open: impl Future<Output = Result<S, Failed>>) -> Result<Self, Failed>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sender = runtime.block_on(async {
            let (sender, driver) = http1::handshake(TokioIo::new(open.await?)).await?;
            tokio::spawn(driver);
            Ok::<_, Failed>(sender)
        })?;
        let way = Way::Wire(sender);
        Ok(Self { runtime, way })
    }

    /// Asks through the host's own pipeline from now on, for one mint.
    pub fn by_host(runtime: Runtime, host: Unsandboxed) -> Self {
        let way = Way::Host(host);
        Self { runtime, way }
    }

    /// The runtime again.
    pub fn into_runtime(self) -> Runtime {
        self.runtime
    }

    /// Mints the key that the profile `bootstrap` mints.
    ///
    /// # Errors
    /// The API refuses.
    pub fn mint(&mut self, id: &str, secret: &str) -> Result<MintedKey, Failed> {
        let credential = Credential::OauthClient(OauthClient {
            id: id.to_owned(),
            secret: secret.to_owned(),
        });
        let properties = KeyProperties {
            reusable: true,
            ephemeral: true,
            preauthorized: true,
            tags: vec!["tag:tazpod".to_owned()],
            expiry_seconds: 3600,
            description: None,
        };
        auth_keys::mint(self, &credential, "-", &properties)
            .map_err(|error| format!("{error:?}").into())
    }

    fn answer(&mut self, request: &Request) -> Result<Response, Failed> {
        let body = request.body.as_ref().map(|body| body.content.clone());
        let body = body.unwrap_or_default();
        let mut sent = http::Request::builder().method(request.route.method().as_str());
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        match &mut self.way {
            Way::Wire(sender) => {
                let sent = sent.uri(&request.path).header("host", API_HOST);
                let sent = sent.body(Full::new(Bytes::from(body)))?;
                self.runtime.block_on(async {
                    let (parts, body) = sender.send_request(sent).await?.into_parts();
                    Ok(response(parts.status, body.collect().await?.to_bytes()))
                })
            }
            Way::Host(host) => {
                let sent = sent.uri(format!("https://{API_HOST}{}", request.path));
                let answer = self.runtime.block_on(host.send(sent.body(body)?))?;
                Ok(response(answer.status(), answer.into_body()))
            }
        }
    }
}

fn response(status: http::StatusCode, body: Bytes) -> Response {
    Response {
        status: status.as_u16(),
        body: body.into(),
        ..Response::default()
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
