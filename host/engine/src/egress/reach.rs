//! The way to a host as RFC 8305 has it: both families of addresses are asked for at
//! once, the attempts to connect overlap, and the first that succeeds is used.

use std::{collections::VecDeque, future::poll_fn, io, net::SocketAddr, pin::Pin, task::Poll};

use tailmint_api::OutsideText;
use tailmint_core::{Failure, in_seconds};
use tokio::{
    net::TcpStream,
    time::{Duration, Instant, sleep_until, timeout},
};

use super::resolver::{Answer, Family, MAX_ADDRESSES, Resolve};

/// How long IPv4 waits for the IPv6 addresses, which are asked for at the same time
/// (RFC 8305, 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// How long an attempt has before the next begins beside it (RFC 8305, 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Judges an address before it is connected to.
pub(super) type Judge<'a> = &'a (dyn Fn(SocketAddr) -> Result<(), Failure> + Sync);

/// Resolves the name and connects, both together within the limit. An address that is
/// judged unfit ends it, whatever else the name leads to.
pub(super) async fn reach(
    resolver: &dyn Resolve,
    host: &str,
    port: u16,
    limit: Duration,
    judge: Judge<'_>,
) -> Result<TcpStream, Failure> {
    let mut race = Race::new(resolver, host, port, judge);
    match timeout(limit, race.run()).await {
        Ok(ended) => ended,
        Err(_) => Err(race.timed_out(limit)),
    }
}

/// The lookups and the attempts that are under way.
struct Race<'a> {
    host: &'a str,
    port: u16,
    judge: Judge<'a>,
    lookups: Vec<Lookup<'a>>,
    unresolved: Option<io::Error>,
    found: usize,
    /// The addresses that no attempt was made with, in the resolver's order.
    v6: VecDeque<SocketAddr>,
    v4: VecDeque<SocketAddr>,
    /// The family of the next attempt.
    turn: Family,
    /// When the next attempt may begin; at once if there is no such time.
    not_before: Option<Instant>,
    attempts: Vec<Attempt>,
    unconnected: Option<io::Error>,
}

type Lookup<'a> = Pin<Box<dyn Future<Output = (Family, io::Result<Vec<SocketAddr>>)> + Send + 'a>>;

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

impl<'a> Race<'a> {
    fn new(resolver: &'a dyn Resolve, host: &'a str, port: u16, judge: Judge<'a>) -> Self {
        let mut race = Self {
            host,
            port,
            judge,
            lookups: Vec::new(),
            unresolved: None,
            found: 0,
            v6: VecDeque::new(),
            v4: VecDeque::new(),
            turn: Family::V6,
            not_before: None,
            attempts: Vec::new(),
            unconnected: None,
        };
        // An address needs no resolver, and so no thread to ask one on.
        let ask = |family, answer: Answer<'a>| -> Lookup<'a> {
            Box::pin(async move { (family, answer.await) })
        };
        if let Ok(ip) = host.parse() {
            let address = SocketAddr::new(ip, port);
            let answer = Box::pin(std::future::ready(Ok(vec![address])));
            race.lookups.push(ask(Family::of(ip), answer));
        } else {
            for family in [Family::V6, Family::V4] {
                let answer = resolver.resolve(host, port, family);
                race.lookups.push(ask(family, answer));
            }
        }
        race
    }

    async fn run(&mut self) -> Result<TcpStream, Failure> {
        loop {
            let is_time = self.not_before.is_none_or(|time| time <= Instant::now());
            if is_time && let Some(address) = self.next_address() {
                self.attempts
                    .push(Box::pin(async move { TcpStream::connect(address).await }));
                self.not_before = Some(Instant::now() + ATTEMPT_DELAY);
            }
            let waits = !(self.v6.is_empty() && self.v4.is_empty());
            if !waits && self.lookups.is_empty() && self.attempts.is_empty() {
                return Err(self.failed());
            }
            let time = self.not_before.filter(|_| waits);
            tokio::select! {
                // An answer that is there is judged before a connection is used.
                biased;
                (family, answer) = first(&mut self.lookups) => self.take(family, answer)?,
                connected = first(&mut self.attempts) => match connected {
                    Ok(stream) => {
                        // Each request is one write, and waits for its response.
                        stream.set_nodelay(true).ok();
                        return Ok(stream);
                    }
                    Err(error) => self.missed(error),
                },
                () = until(time) => {}
            }
        }
    }

    /// Takes what the resolver said of one family. The failure of one is not that of the
    /// other.
    fn take(&mut self, family: Family, answer: io::Result<Vec<SocketAddr>>) -> Result<(), Failure> {
        let addresses = match answer {
            Ok(addresses) => addresses,
            Err(error) => {
                // That there is none says less than that it could not be found out.
                if self.unresolved.as_ref().is_none_or(is_absence) {
                    self.unresolved = Some(error);
                }
                Vec::new()
            }
        };
        self.found += addresses.len();
        if self.found > MAX_ADDRESSES {
            return Err(self.unresolved(format!("it has more than {MAX_ADDRESSES} addresses")));
        }
        for address in &addresses {
            (self.judge)(*address)?;
        }
        let is_first = self.attempts.is_empty() && self.unconnected.is_none();
        match family {
            Family::V6 => {
                self.v6.extend(addresses);
                if is_first {
                    self.not_before = None;
                }
            }
            Family::V4 => {
                self.v4.extend(addresses);
                if is_first && !self.lookups.is_empty() {
                    self.not_before = Some(Instant::now() + RESOLUTION_DELAY);
                }
            }
        }
        Ok(())
    }

    /// The families take turns.
    fn next_address(&mut self) -> Option<SocketAddr> {
        let (mine, other) = match self.turn {
            Family::V6 => (&mut self.v6, &mut self.v4),
            Family::V4 => (&mut self.v4, &mut self.v6),
        };
        let address = mine.pop_front().or_else(|| other.pop_front())?;
        self.turn = Family::of(address.ip()).other();
        Some(address)
    }

    /// An attempt failed: the next begins at once.
    fn missed(&mut self, error: io::Error) {
        // A machine without IPv6 says so of each such address; what happened to the others
        // says more.
        let says_more = error.kind() != io::ErrorKind::NetworkUnreachable;
        if says_more || self.unconnected.is_none() {
            self.unconnected = Some(error);
        }
        self.not_before = None;
    }

    /// Nothing is left to try.
    fn failed(&self) -> Failure {
        match (&self.unconnected, &self.unresolved) {
            (Some(error), _) => Failure::Connect {
                peer: self.peer(),
                detail: OutsideText::of(error),
            },
            (None, Some(error)) => self.unresolved(error.to_string()),
            (None, None) => self.unresolved("it has no address".to_owned()),
        }
    }

    fn timed_out(&self, limit: Duration) -> Failure {
        if self.found == 0 {
            return self.unresolved(format!("no response within {}", in_seconds(limit)));
        }
        Failure::ConnectTimeout {
            peer: self.peer(),
            step: "a connection",
            limit,
        }
    }

    fn unresolved(&self, detail: String) -> Failure {
        Failure::Resolve {
            host: self.host.to_owned(),
            detail: OutsideText::of(detail),
        }
    }

    fn peer(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn is_absence(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// The result of the first that has one, which is taken out; never, where there is none.
async fn first<F: Future + Unpin>(futures: &mut Vec<F>) -> F::Output {
    poll_fn(|context| {
        for index in 0..futures.len() {
            if let Poll::Ready(result) = Pin::new(&mut futures[index]).poll(context) {
                drop(futures.remove(index));
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What each family is, or never, as a resolver says it.
    #[derive(Debug)]
    struct Says {
        v6: Said,
        v4: Said,
    }

    #[derive(Clone, Copy, Debug)]
    enum Said {
        Addresses(&'static [&'static str]),
        Error(io::ErrorKind),
        Nothing,
    }

    impl Resolve for Says {
        fn resolve<'a>(&'a self, _host: &'a str, port: u16, family: Family) -> Answer<'a> {
            let said = match family {
                Family::V6 => self.v6,
                Family::V4 => self.v4,
            };
            Box::pin(async move {
                match said {
                    Said::Addresses(texts) => Ok(texts.iter().map(|ip| at(ip, port)).collect()),
                    Said::Error(kind) => Err(kind.into()),
                    Said::Nothing => std::future::pending().await,
                }
            })
        }
    }

    fn at(ip: &str, port: u16) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), port)
    }

    const ANY: Judge<'static> = &|_| Ok(());

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn what_one_family_lacks_is_found_in_the_other() {
        use Said::{Addresses, Error, Nothing};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for v6 in [
            Nothing,
            Error(io::ErrorKind::NotFound),
            Error(io::ErrorKind::Other),
            Addresses(&[]),
            // Nobody listens there.
            Addresses(&["::1"]),
        ] {
            let v4 = Addresses(&["127.0.0.1"]);
            let stream = reach(&Says { v6, v4 }, "x", port, LIMIT, ANY).await;
            let peer = stream.unwrap().peer_addr().unwrap();
            assert_eq!(peer, at("127.0.0.1", port), "{v6:?}");
        }
        let listener = TcpListener::bind("[::1]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for v4 in [
            Nothing,
            Error(io::ErrorKind::Other),
            Addresses(&["127.0.0.1"]),
        ] {
            let v6 = Addresses(&["::1"]);
            let stream = reach(&Says { v6, v4 }, "x", port, LIMIT, ANY).await;
            let peer = stream.unwrap().peer_addr().unwrap();
            assert_eq!(peer, at("::1", port), "{v4:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_says_most_is_told() {
        use Said::{Addresses, Error, Nothing};
        let absent = Error(io::ErrorKind::NotFound);
        let broken = Error(io::ErrorKind::TimedOut);
        for (v6, v4, said) in [
            (absent, broken, "x could not be resolved: timed out"),
            (broken, absent, "x could not be resolved: timed out"),
            (
                Addresses(&[]),
                Addresses(&[]),
                "x could not be resolved: it has no address",
            ),
            (
                Nothing,
                absent,
                "x could not be resolved: no response within 5 s",
            ),
        ] {
            let failure = reach(&Says { v6, v4 }, "x", 1, LIMIT, ANY).await;
            assert_eq!(failure.unwrap_err().to_string(), said);
        }
    }

    #[tokio::test]
    async fn the_families_take_turns_and_one_has_no_more_than_the_limit() {
        let says = Says {
            v6: Said::Nothing,
            v4: Said::Nothing,
        };
        let mut race = Race::new(&says, "x", 1, ANY);
        let list = |texts: &[&str]| Ok(texts.iter().map(|ip| at(ip, 1)).collect());
        race.take(Family::V4, list(&["1.0.0.1", "1.0.0.2", "1.0.0.3"]))
            .unwrap();
        race.take(Family::V6, list(&["2a00::1", "2a00::2"]))
            .unwrap();
        let mut order = Vec::new();
        while let Some(address) = race.next_address() {
            order.push(address.ip().to_string());
        }
        assert_eq!(
            order,
            ["2a00::1", "1.0.0.1", "2a00::2", "1.0.0.2", "1.0.0.3"]
        );
        // With those five, as many as are looked at, and then one too many.
        let rest = vec![at("1.0.0.4", 1); MAX_ADDRESSES - 5];
        race.take(Family::V4, Ok(rest)).unwrap();
        let failure = race.take(Family::V6, list(&["2a00::3"])).unwrap_err();
        assert!(matches!(failure, Failure::Resolve { .. }), "{failure}");
    }
}
