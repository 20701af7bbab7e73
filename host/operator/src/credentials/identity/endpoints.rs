use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::call::HTTP_PORT;

/// Where platforms are asked, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    /// The metadata services of Google Cloud and Azure.
    pub(super) metadata: SocketAddr,
    /// The socket of Fly.io.
    pub(super) fly: PathBuf,
    /// The port of GitHub's token service.
    pub(super) github_port: u16,
    /// How long all of it may take, with what is tried again.
    pub(super) limit: Duration,
    /// The waits before a service of the machine is asked again.
    pub(super) waits: &'static [Duration],
}

/// By its address: its name could lead elsewhere.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

const FLY: &str = "/.fly/api";

/// A new pod has its metadata server after some seconds.
const WAITS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            metadata: SocketAddr::new(METADATA.into(), HTTP_PORT),
            fly: PathBuf::from(FLY),
            github_port: 443,
            limit: Duration::from_secs(10),
            waits: &WAITS,
        }
    }
}
