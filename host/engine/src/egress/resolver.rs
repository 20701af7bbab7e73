use std::{io, net::SocketAddr, pin::Pin};

/// The most addresses of a name that are looked at, and one more to tell that
/// there are too many. The API has about ten.
pub(super) const MAX_ADDRESSES: usize = 64;

/// Who knows the addresses of a name.
pub(super) trait Resolve: Send + Sync + std::fmt::Debug {
    /// Asks once.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a>;
}

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The resolver of the system.
#[derive(Debug)]
pub(super) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, port)).await?;
            Ok(found.take(MAX_ADDRESSES + 1).collect())
        })
    }
}
