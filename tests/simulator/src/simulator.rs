use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rustls::ClientConfig;
use tokio::sync::oneshot;

use crate::{
    Endpoint, Fault, FederatedIdentity, Greeting, Key, OauthClient, Recorded, Setup,
    authority::Authority, certificate::Certificate, control, fault::Planned, server, state::State,
};

/// A running simulator. Dropping it closes its connections and ends its thread.
pub struct Simulator {
    address: SocketAddr,
    control: SocketAddr,
    ca_pem: String,
    authority: Authority,
    state: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the threads share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    state: Arc<Mutex<State>>,
    tls: Arc<ClientConfig>,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the service trusts where it fetches something.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }
}

impl Simulator {
    /// Starts one and waits until it listens.
    ///
    /// # Errors
    /// The addresses cannot be listened on.
    pub fn start(setup: &Setup) -> io::Result<Self> {
        let certificate = Certificate::new(setup.certificate)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let api = listen(setup.listen)?;
        let control = listen(setup.control)?;
        let authority = certificate.authority;
        let tls = authority
            .client()
            .map_err(|error| io::Error::other(error.to_string()))?;
        let state = Shared {
            state: Arc::new(Mutex::new(State::new(setup))),
            tls,
        };
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut simulator = Self {
            address: api.local_addr()?,
            control: control.local_addr()?,
            ca_pem: certificate.ca_pem,
            authority,
            state: state.clone(),
            stop: Some(stop),
            thread: None,
        };
        let config = certificate.config;
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let served = async {
                        tokio::join!(
                            server::serve(api, config, state.clone()),
                            control::serve(control, state.clone()),
                        )
                    };
                    tokio::select! {
                        _ = served => {}
                        _ = stopped => {}
                    }
                });
                // Connections are tasks of the runtime and end with it.
                runtime.shutdown_background();
            })?;
        simulator.thread = Some(thread);
        Ok(simulator)
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the control listener listens.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// The certificate of the throwaway authority.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes [`Simulator::ca_pem`] to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_ca(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &self.ca_pem)
    }

    /// Writes the files that tailmint's two built-in profiles read, mode 0600.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_secrets(&self, directory: &Path) -> io::Result<()> {
        for (client, prefix) in [
            ("bootstrap", "tailscale-oauth-client"),
            ("k8s-operator", "tailscale-operator-client"),
        ] {
            let client = self
                .client(client)
                .or_else(|| self.client(&format!("tazlab-{client}")));
            if let Some(client) = client {
                write_private(&directory.join(format!("{prefix}-id")), &client.id)?;
                write_private(&directory.join(format!("{prefix}-secret")), &client.secret)?;
            }
        }
        Ok(())
    }

    /// An API key that may do everything.
    pub fn api_key(&self) -> String {
        self.state.lock().api_key.clone()
    }

    /// The access tokens that were given out, and the API key.
    pub fn tokens(&self) -> Vec<String> {
        self.state.lock().tokens.keys().cloned().collect()
    }

    /// The OAuth client with this description that was not deleted.
    pub fn client(&self, description: &str) -> Option<OauthClient> {
        let state = self.state.lock();
        let found = state
            .clients
            .iter()
            .find(|client| client.description == description && !client.revoked);
        found.cloned()
    }

    /// The OAuth clients, without those that were deleted.
    pub fn clients(&self) -> Vec<OauthClient> {
        let state = self.state.lock();
        let live = state.clients.iter().filter(|client| !client.revoked);
        live.cloned().collect()
    }

    /// All OAuth clients that there ever were.
    pub fn all_clients(&self) -> Vec<OauthClient> {
        self.state.lock().clients.clone()
    }

    /// Adds an OAuth client, and its tags to those that exist.
    pub fn add_client(&self, mut client: OauthClient) {
        let mut state = self.state.lock();
        client.created = crate::clock::rfc3339(state.clock.now());
        state.tags.extend(client.tags.clone());
        state.clients.push(client);
    }

    /// Deletes an OAuth client, by its id, behind everyone's back.
    pub fn revoke_client(&self, id: &str) {
        for client in &mut self.state.lock().clients {
            client.revoked |= client.id == id;
        }
    }

    /// Adds a federated identity, and its tags to those that exist.
    pub fn add_identity(&self, identity: FederatedIdentity) {
        self.state.lock().add(identity);
    }

    /// The federated identities, without those that were deleted.
    pub fn identities(&self) -> Vec<FederatedIdentity> {
        let state = self.state.lock();
        let live = state.identities.iter().filter(|it| it.is_live());
        live.cloned().collect()
    }

    /// All federated identities that there ever were.
    pub fn all_identities(&self) -> Vec<FederatedIdentity> {
        self.state.lock().identities.clone()
    }

    /// Deletes a federated identity, by its id, behind everyone's back.
    pub fn revoke_identity(&self, id: &str) {
        let mut state = self.state.lock();
        let now = crate::clock::rfc3339(state.clock.now());
        for identity in &mut state.identities {
            if identity.id == id && identity.is_live() {
                identity.revoked = Some(now.clone());
            }
        }
    }

    /// Why the last exchange for this `client_id` was rejected, as the admin console tells it;
    /// `None` since the last that was not.
    pub fn last_cause(&self, client_id: &str) -> Option<String> {
        self.state.lock().causes.get(client_id).cloned()
    }

    /// The identity tokens that this simulator's issuers have signed.
    pub fn identity_tokens(&self) -> Vec<String> {
        self.state.lock().identity_tokens.clone()
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.state
    }

    /// All auth keys that were ever made.
    pub fn keys(&self) -> Vec<Key> {
        self.state.lock().keys.clone()
    }

    /// The auth keys that still join machines.
    pub fn live_keys(&self) -> Vec<Key> {
        let state = self.state.lock();
        let now = state.clock.now();
        let live = state.keys.iter().filter(|key| key.is_live(now));
        live.cloned().collect()
    }

    /// The requests that arrived, in their order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.lock().recorded.clone()
    }

    /// How many TCP connections were made.
    pub fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// How many of them finished the TLS handshake.
    pub fn handshakes(&self) -> usize {
        self.state.lock().handshakes
    }

    /// Misbehaves for so many of the next requests to the endpoint.
    pub fn misbehave(&self, endpoint: Endpoint, fault: Fault, times: usize) {
        self.state.lock().faults.push(Planned {
            endpoint,
            fault,
            times,
        });
    }

    /// Misbehaves no more.
    pub fn forgive(&self) {
        self.state.lock().faults.clear();
    }

    /// Forgets all that there was, and begins anew with the clients of the setup, at the same
    /// addresses. Issuers stay where they are.
    pub fn begin_anew(&self, setup: &Setup) {
        let mut state = self.state.lock();
        let hosts = std::mem::take(&mut state.hosts);
        *state = State::new(setup);
        state.hosts = hosts;
    }

    /// Lets all requests that are held go on, and those that will be.
    pub fn go_on(&self) {
        self.state.lock().goes_on = true;
    }

    /// Lets connections meet this, once there were so many others.
    pub fn greet(&self, after: usize, greeting: Greeting) {
        self.state.lock().greeting = Some((after, greeting));
    }

    /// Lets the service's clock jump ahead.
    pub fn advance(&self, by: Duration) {
        self.state.lock().clock.advance(by);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};

    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{content}")
}
