use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};

use super::certificate::Certificate;

/// A TLS server that answers as a test wants it, with one answer a connection.
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    pub(super) ca_pem: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

type Answer = dyn Fn(&Request) -> Vec<u8> + Send + Sync;

struct Shared {
    answer: Box<Answer>,
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
    stopped: AtomicBool,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// Longer than anybody takes on loopback; a thread that waits must end some day.
const READ_LIMIT: Duration = Duration::from_secs(20);

impl StandIn {
    /// Answers with these bytes; with none, it closes the connection.
    pub(super) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let certificate = Certificate::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            connections: AtomicUsize::new(0),
            requests: Mutex::new(Vec::new()),
            stopped: AtomicBool::new(false),
        });
        let config = certificate.config();
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if own.stopped.load(Ordering::SeqCst) {
                    return;
                }
                own.connections.fetch_add(1, Ordering::SeqCst);
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(READ_LIMIT)).unwrap();
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                // Whoever does not trust the certificate leaves here.
                own.serve(StreamOwned::new(tls, stream)).ok();
            }
        });
        Self {
            address,
            ca_pem: certificate.ca_pem,
            shared,
            thread: Some(thread),
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    fn serve(&self, mut tls: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
        let request = Request::read(&mut tls)?;
        self.requests.lock().unwrap().push(request.clone());
        let answer = (self.answer)(&request);
        tls.write_all(&answer)?;
        tls.conn.send_close_notify();
        tls.flush()
    }
}

impl Request {
    fn read(stream: &mut impl Read) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            bytes.push(byte[0]);
        }
        let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Self {
            method: head.split(' ').next().unwrap().to_ascii_uppercase(),
            path,
            head,
            body,
        })
    }

    /// Hands it on to a server with this authority; its whole answer.
    pub(super) fn forward(&self, to: SocketAddr, ca_pem: &str, token: &str) -> Vec<u8> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(to).unwrap());
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: {to}\r\nx-vault-token: {token}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            self.method,
            self.path,
            self.body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&self.body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        answer
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// An answer with a JSON body.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let headers = headers.concat();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Something\r\ncontent-type: application/json\r\n{headers}\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
