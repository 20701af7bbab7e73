use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// A way to the API on which every byte takes its time, in either direction. The
/// TCP handshake is the kernel's and takes none.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    trips: Arc<AtomicUsize>,
}

/// Who spoke last on a connection.
#[derive(Clone, Copy, PartialEq)]
enum Speaker {
    Nobody,
    Client,
    Server,
}

impl Relay {
    pub(crate) fn start(delay: Duration, api: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let trips = Arc::new(AtomicUsize::new(0));
        let relay = Self {
            address,
            trips: Arc::clone(&trips),
        };
        thread::spawn(move || {
            for client in listener.incoming() {
                let passed = client.and_then(|client| pass(&client, delay, api, &trips));
                if let Err(error) = passed {
                    eprintln!("the relay: {error}");
                }
            }
        });
        Ok(relay)
    }

    /// How often the API was waited for so far: answers that followed on words of
    /// the client.
    pub(crate) fn round_trips(&self) -> usize {
        self.trips.load(Ordering::Relaxed)
    }
}

fn pass(
    client: &TcpStream,
    delay: Duration,
    api: SocketAddr,
    trips: &Arc<AtomicUsize>,
) -> io::Result<()> {
    let server = TcpStream::connect(api)?;
    let last = Arc::new(Mutex::new(Speaker::Nobody));
    for (from, to, speaker) in [
        (client, &server, Speaker::Client),
        (&server, client, Speaker::Server),
    ] {
        to.set_nodelay(true)?;
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (last, trips) = (Arc::clone(&last), Arc::clone(trips));
        let (late, due) = mpsc::channel();
        thread::spawn(move || deliver(to, &due));
        thread::spawn(move || {
            read(from, delay, &late, || {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if (*last, speaker) == (Speaker::Client, Speaker::Server) {
                    trips.fetch_add(1, Ordering::Relaxed);
                }
                *last = speaker;
            });
        });
    }
    Ok(())
}

type Late = (Instant, Vec<u8>);

fn read(mut from: TcpStream, delay: Duration, late: &mpsc::Sender<Late>, spoke: impl Fn()) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        spoke();
        let due = Instant::now() + delay;
        if late.send((due, buffer[..read].to_vec())).is_err() {
            return;
        }
    }
}

fn deliver(mut to: TcpStream, due: &mpsc::Receiver<Late>) {
    while let Ok((when, bytes)) = due.recv() {
        thread::sleep(when.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).ok();
}
