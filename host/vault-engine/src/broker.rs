use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::UnixStream, sync::Notify, time::timeout};
use tokio_rustls::TlsConnector;

use crate::{connection::Connection, proto::plugin::ConnInfo, tls::Tls};

/// Where Vault's own services listen, as it tells on the broker's stream: before or after
/// the call that names them.
#[derive(Default)]
pub(crate) struct Broker {
    offers: Mutex<HashMap<u32, ConnInfo>>,
    offered: Notify,
}

/// As long as go-plugin waits.
const OFFER_LIMIT: Duration = Duration::from_secs(5);

impl Broker {
    /// Vault tells where a service is.
    pub(crate) fn offer(&self, offer: ConnInfo) {
        self.lock().insert(offer.service_id, offer);
        self.offered.notify_waiters();
    }

    /// Connects to the service with this number.
    pub(crate) async fn dial(&self, id: u32, tls: &Tls) -> Result<Connection, String> {
        let offer = timeout(OFFER_LIMIT, self.offer_of(id))
            .await
            .map_err(|_| format!("Vault did not tell where service {id} is"))?;
        if offer.network != "unix" {
            return Err("Vault offers its storage on another network than a socket".to_owned());
        }
        let failed = |error: &dyn std::fmt::Display| format!("Vault's own socket: {error}");
        let stream = UnixStream::connect(&offer.address).await;
        let stream = stream.map_err(|error| failed(&error))?;
        let connector = TlsConnector::from(tls.client.clone());
        let stream = connector.connect(Tls::name(), stream).await;
        let stream = stream.map_err(|error| failed(&error))?;
        Connection::over(stream)
            .await
            .map_err(|error| failed(&error))
    }

    fn take(&self, id: u32) -> Option<ConnInfo> {
        self.lock().remove(&id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, ConnInfo>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn offer_of(&self, id: u32) -> ConnInfo {
        loop {
            let mut offered = std::pin::pin!(self.offered.notified());
            // From here on an offer is not missed.
            offered.as_mut().enable();
            if let Some(offer) = self.take(id) {
                return offer;
            }
            offered.await;
        }
    }
}
