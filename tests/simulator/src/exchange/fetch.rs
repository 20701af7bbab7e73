//! The documents of an issuer, fetched from it over TLS. Hosts are looked up in the
//! simulator's own table, so that nothing leaves the machine.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::KeySet;
use crate::{keys::host_and_port, simulator::Shared};

/// A set of a hundred keys has some 50 KiB. What the service's limit is, is not known.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The keys of the issuer, where its discovery document says that they are (`OpenID` Connect
/// Discovery 1.0, 4); why not.
pub(super) async fn keys(shared: &Shared, issuer: &str) -> Result<KeySet, String> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let document = document(shared, &url).await?;
    let discovery: Discovery =
        serde_json::from_slice(&document).map_err(|error| format!("{url}: {error}"))?;
    if discovery.issuer != issuer {
        return Err(format!("{url}: issuer is {:?}", discovery.issuer));
    }
    let url = discovery.jwks_uri;
    let document = self::document(shared, &url).await?;
    serde_json::from_slice(&document).map_err(|error| format!("{url}: {error}"))
}

async fn document(shared: &Shared, url: &str) -> Result<Vec<u8>, String> {
    let limit = shared.lock().issuer_limit;
    let fetched = tokio::time::timeout(limit, get(shared, url)).await;
    let fetched = fetched.unwrap_or_else(|_| Err("took too long".to_owned()));
    fetched.map_err(|why| format!("{url}: {why}"))
}

async fn get(shared: &Shared, url: &str) -> Result<Vec<u8>, String> {
    let url: Uri = url.parse().map_err(|_| "not a URL")?;
    if url.scheme_str() != Some("https") {
        return Err("not an https:// URL".to_owned());
    }
    let address = shared.lock().hosts.get(&host_and_port(&url)).copied();
    let address = address.ok_or("no such host")?;
    let host = url.host().unwrap_or_default();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| "no such host")?;
    let text = |error: &dyn std::error::Error| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(|it| text(&it))?;
    let stream = TlsConnector::from(shared.tls())
        .connect(name, stream)
        .await
        .map_err(|it| text(&it))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|it| text(&it))?;
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |it| it.as_str());
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|it| text(&it))?;
    let response = sender.send_request(request).await.map_err(|it| text(&it))?;
    // No redirect is followed.
    if response.status() != StatusCode::OK {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), MAX_BODY_BYTES);
    let body = body.collect().await.map_err(|it| it.to_string())?;
    Ok(body.to_bytes().into())
}
