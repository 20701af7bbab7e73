use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    thread,
};

use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use tokio::sync::oneshot;

/// The most addresses of a name that are looked at. The API has about ten.
pub(super) const MAX_ADDRESSES: usize = 64;

/// A family of addresses, of which a resolver is asked one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V6,
    V4,
}

/// Who knows the addresses of a name.
pub(super) trait Resolve: Send + Sync + std::fmt::Debug {
    /// Asks once, for the addresses of one family. The error of a name that has none is
    /// [`io::ErrorKind::NotFound`].
    fn resolve<'a>(&'a self, host: &'a str, port: u16, family: Family) -> Answer<'a>;
}

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The resolver of the system.
#[derive(Debug)]
pub(super) struct System;

impl Resolve for System {
    /// Asks on a thread of its own. The C library waits as long as it is set up to, and
    /// cannot be stopped; nothing waits for this thread to end, unlike for one of the
    /// runtime's.
    fn resolve<'a>(&'a self, host: &'a str, port: u16, family: Family) -> Answer<'a> {
        let (tell, told) = oneshot::channel();
        let name = host.to_owned();
        let asked = thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || tell.send(ask(&name, port, family)));
        Box::pin(async move {
            asked?;
            told.await.map_err(io::Error::other)?
        })
    }
}

fn ask(host: &str, port: u16, family: Family) -> io::Result<Vec<SocketAddr>> {
    let hints = AddrInfoHints {
        address: match family {
            Family::V6 => AddrFamily::Inet6,
            Family::V4 => AddrFamily::Inet,
        }
        .into(),
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| {
        let kind = error.kind();
        let error = io::Error::from(error);
        match kind {
            LookupErrorKind::NoName | LookupErrorKind::NoData => {
                io::Error::new(io::ErrorKind::NotFound, error)
            }
            _ => error,
        }
    })?;
    let addresses = found.take(MAX_ADDRESSES + 1).map(|found| {
        let mut address = found?.sockaddr;
        address.set_port(port);
        Ok(address)
    });
    addresses.collect()
}

impl Family {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V6(_) => Self::V6,
            IpAddr::V4(_) => Self::V4,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::V6 => Self::V4,
            Self::V4 => Self::V6,
        }
    }
}
