use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    sync::{Arc, Mutex},
};

use super::{Platform, SourceFault, azure, fly, gcp, github};
use crate::{
    Recorded, Simulator,
    dialect::random,
    side_server::{Behaviour, Door, Listener, Reply, SideServer, lock},
};

/// Gives a token for an audience.
pub(super) type Mint = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A running source of identity tokens. Dropping it ends it.
pub struct Source {
    platform: Platform,
    address: Option<SocketAddr>,
    secret: String,
    state: Arc<State>,
    server: SideServer,
}

struct State {
    platform: Platform,
    secret: String,
    mint: Mint,
    /// The fault, and for how many requests.
    faults: Mutex<Vec<(SourceFault, usize)>>,
}

impl Source {
    /// Starts one, whose tokens are those that `mint` gives for the audience that was asked
    /// for: [`Issuer::mint`](crate::Issuer::mint) for good ones.
    ///
    /// # Errors
    /// The address or the path of the socket cannot be listened on.
    pub fn start(
        simulator: &Simulator,
        platform: &Platform,
        mint: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let other = |error: Box<dyn std::error::Error>| io::Error::other(error.to_string());
        let authority = simulator.authority();
        let names = [github::HOST, "localhost", "127.0.0.1"];
        let tls = authority.server(&names).map_err(other)?;
        let wrong = authority.server(&["wrong.example.com"]).map_err(other)?;
        let secret = random(40);
        let state = Arc::new(State {
            platform: platform.clone(),
            secret: secret.clone(),
            mint: Box::new(mint),
            faults: Mutex::default(),
        });
        let (listener, address) = if let Platform::Fly { socket } = platform {
            (Listener::Unix(UnixListener::bind(socket)?), None)
        } else {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            let address = listener.local_addr()?;
            (Listener::Tcp(listener), Some(address))
        };
        let (at_door, inside) = (Arc::clone(&state), Arc::clone(&state));
        let behaviour = Behaviour {
            door: Box::new(move || match at_door.at_door() {
                Some(SourceFault::Closed) => Door::Closed,
                _ if at_door.platform != Platform::GitHub => Door::Plain,
                Some(SourceFault::WrongHost) => Door::Tls(Arc::clone(&wrong)),
                _ => Door::Tls(Arc::clone(&tls)),
            }),
            reply: Box::new(move |request| State::respond(&inside, request)),
        };
        Ok(Self {
            platform: platform.clone(),
            address,
            secret,
            state,
            server: SideServer::start(listener, behaviour)?,
        })
    }

    /// Where it listens; `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The environment variables that the platform sets, with the values that lead here. Those
    /// of GitHub name the host of the real service: see [`Source::address`] for where it is.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let address = self.address.map(|it| it.to_string()).unwrap_or_default();
        match &self.platform {
            Platform::AzureAppService => vec![
                (
                    "IDENTITY_ENDPOINT",
                    format!("http://{address}{}", azure::APP_SERVICE_PATH),
                ),
                ("IDENTITY_HEADER", self.secret.clone()),
            ],
            Platform::AzureImds => Vec::new(),
            Platform::Fly { .. } => vec![("FLY_MACHINE_ID", "3d8d9014b32e89".to_owned())],
            Platform::GcpMetadata => vec![("GCE_METADATA_HOST", address)],
            Platform::GitHub => vec![
                ("GITHUB_ACTIONS", "true".to_owned()),
                (
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    format!("https://{}{}?{}", github::HOST, github::PATH, github::QUERY),
                ),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", self.secret.clone()),
            ],
        }
    }

    /// What the platform gives the program to show with its requests, and what is not to be
    /// printed: GitHub's bearer, App Service's header. Others have none.
    pub fn secret(&self) -> Option<&str> {
        match self.platform {
            Platform::AzureAppService | Platform::GitHub => Some(&self.secret),
            _ => None,
        }
    }

    /// Misbehaves from now on, until it is forgiven.
    pub fn misbehave(&self, fault: SourceFault) {
        self.misbehave_times(fault, usize::MAX);
    }

    /// Misbehaves for so many of the next requests. A fault that closes connections, has
    /// another certificate, or holds its responses stays until it is forgiven.
    pub fn misbehave_times(&self, fault: SourceFault, times: usize) {
        lock(&self.state.faults).push((fault, times));
    }

    /// Misbehaves no more.
    pub fn forgive(&self) {
        lock(&self.state.faults).clear();
    }

    /// The requests that arrived, in their order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.requests()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Platform::Fly { socket } = &self.platform {
            std::fs::remove_file(socket).ok();
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("platform", &self.platform)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The fault that connections meet.
    fn at_door(&self) -> Option<SourceFault> {
        lock(&self.faults).first().map(|(fault, _)| fault.clone())
    }

    /// The fault that a request meets, which is then one less to come.
    fn take(&self) -> Option<SourceFault> {
        let mut faults = lock(&self.faults);
        let (fault, times) = faults.first_mut()?;
        let taken = fault.clone();
        if taken == SourceFault::Hold {
            return Some(taken);
        }
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(0);
        }
        Some(taken)
    }

    /// What is responded to a request, at once or when the source is forgiven.
    fn respond(state: &Arc<Self>, request: &Recorded) -> Reply {
        let fault = state.take();
        if fault != Some(SourceFault::Hold) {
            return state.reply(request, fault.as_ref());
        }
        let (state, request) = (Arc::clone(state), request.clone());
        Reply::Held(Box::new(move || {
            let is_forgiven = lock(&state.faults).is_empty();
            is_forgiven.then(|| state.reply(&request, None))
        }))
    }

    fn reply(&self, request: &Recorded, fault: Option<&SourceFault>) -> Reply {
        if let Some(reply) = fault.and_then(|it| it.reply(&self.platform)) {
            return reply;
        }
        let other: Option<Mint> = match fault {
            Some(SourceFault::Empty) => Some(Box::new(|_| String::new())),
            Some(SourceFault::Text(text)) => {
                let text = text.clone();
                Some(Box::new(move |_| text.clone()))
            }
            _ => None,
        };
        let mint = other.as_ref().unwrap_or(&self.mint);
        let usual = match self.platform {
            Platform::AzureAppService => azure::app_service(request, &self.secret, mint),
            Platform::AzureImds => azure::imds(request, mint),
            Platform::Fly { .. } => fly::reply(request, mint),
            Platform::GcpMetadata => {
                gcp::reply(request, mint, fault != Some(&SourceFault::NoFlavor))
            }
            Platform::GitHub => github::reply(request, &self.secret, mint),
        };
        match fault {
            Some(SourceFault::Late(by)) => Reply::Late(*by, Box::new(usual)),
            _ => usual,
        }
    }
}
