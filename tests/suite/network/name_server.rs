use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What a name server says of one family of addresses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Addresses(&'static [&'static str]),
    /// The same, after so many seconds.
    Late(u64, &'static [&'static str]),
    /// The same, but every other question is lost, from the first on.
    SecondTime(&'static [&'static str]),
    /// The same, but too long for one packet: it has to be asked by TCP.
    Truncated(&'static [&'static str]),
    /// The name has none.
    Nothing,
    /// An error, by its code.
    Code(u8),
    /// What cannot be read.
    Garbage,
    Silence,
}

pub(super) const SERVFAIL: Says = Says::Code(2);
pub(super) const NXDOMAIN: Says = Says::Code(3);

/// A name server at an address, on port 53: what it says of IPv4, and of IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameServer(pub(super) &'static str, pub(super) Says, pub(super) Says);

const A: u16 = 1;
const AAAA: u16 = 28;

impl NameServer {
    /// Serves until the process ends.
    pub(super) fn start(self) {
        let at: SocketAddr = format!("{}:53", self.0).parse().unwrap();
        let udp = Arc::new(UdpSocket::bind(at).unwrap());
        let tcp = TcpListener::bind(at).unwrap();
        let lost = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, client)) = udp.recv_from(&mut packet) {
                let (query, udp, lost) = (packet[..length].to_vec(), udp.clone(), lost.clone());
                thread::spawn(move || {
                    if let Some(response) = self.response(&query, &lost, true) {
                        udp.send_to(&response, client).ok();
                    }
                });
            }
        });
        thread::spawn(move || {
            for client in tcp.incoming() {
                let mut client = client.unwrap();
                thread::spawn(move || while self.respond(&mut client).is_ok() {});
            }
        });
    }

    /// Responds to the next question of the client.
    fn respond(self, client: &mut TcpStream) -> io::Result<()> {
        let mut length = [0; 2];
        client.read_exact(&mut length)?;
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        client.read_exact(&mut query)?;
        let response = self.response(&query, &Default::default(), false);
        let response = response.unwrap_or_default();
        let length = u16::try_from(response.len()).unwrap().to_be_bytes();
        client.write_all(&[&length[..], &response].concat())
    }

    fn response(self, query: &[u8], lost: &[AtomicBool; 2], is_udp: bool) -> Option<Vec<u8>> {
        let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
        let question = &query[12..12 + name + 5];
        let kind = u16::from_be_bytes([question[name + 1], question[name + 2]]);
        let is_ours = question[1..].starts_with(b"api\x09tailscale\x03com\0");
        let (says, index) = match kind {
            A if is_ours => (self.1, 0),
            AAAA if is_ours => (self.2, 1),
            _ => (NXDOMAIN, 0),
        };
        let whole = |code: u8, addresses: &[&str]| {
            let mut whole = query[..2].to_vec();
            // A response, by a server that asks others; one question.
            whole.extend([0x81, 0x80 | code, 0, 1]);
            whole.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
            whole.extend([0; 4]);
            whole.extend(question);
            for address in addresses {
                let (kind, bytes) = match address.parse().unwrap() {
                    IpAddr::V4(address) => (A, address.octets().to_vec()),
                    IpAddr::V6(address) => (AAAA, address.octets().to_vec()),
                };
                // The name of the question; its type; of the internet; for a minute.
                whole.extend([0xc0, 12]);
                whole.extend(kind.to_be_bytes());
                whole.extend([0, 1, 0, 0, 0, 60, 0]);
                whole.push(u8::try_from(bytes.len()).unwrap());
                whole.extend(bytes);
            }
            Some(whole)
        };
        match says {
            Says::Addresses(addresses) => whole(0, addresses),
            Says::Late(seconds, addresses) => {
                thread::sleep(Duration::from_secs(seconds));
                whole(0, addresses)
            }
            Says::SecondTime(addresses) => {
                let is_second = lost[index].fetch_xor(true, Ordering::Relaxed);
                is_second.then(|| whole(0, addresses)).flatten()
            }
            Says::Truncated(addresses) if !is_udp => whole(0, addresses),
            Says::Truncated(_) => {
                let mut cut = whole(0, &[])?;
                cut[2] |= 2;
                Some(cut)
            }
            Says::Nothing => whole(0, &[]),
            Says::Code(code) => whole(code, &[]),
            Says::Garbage => Some([&query[..2], &[0xff; 20]].concat()),
            Says::Silence => None,
        }
    }
}
