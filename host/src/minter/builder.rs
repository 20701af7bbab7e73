use std::sync::Arc;

use super::{MintError, Minter, patience::Patience};
use crate::{
    ConnectTo, Interrupt, Observer, Trust,
    egress::{Connection, Connector},
    event::Blind,
    sandbox::Sandbox,
};

/// What can be chosen about a [`Minter`].
#[derive(Default)]
#[must_use]
pub struct MinterBuilder {
    trust: Option<Trust>,
    connect_to: Option<ConnectTo>,
    observer: Option<Arc<dyn Observer>>,
    interrupt: Interrupt,
}

impl MinterBuilder {
    /// Trusts these certificate authorities instead of the bundled ones.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Connects there instead of to the API's own address. Requests and the
    /// certificate stay those of the API.
    pub fn connect_to(mut self, to: ConnectTo) -> Self {
        self.connect_to = Some(to);
        self
    }

    /// Tells this observer what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Stops minting when it is raised. A key that was made by then is revoked;
    /// revoking is not stopped.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Loads the component. Nothing is connected to yet.
    pub fn build(self) -> Result<Minter, MintError> {
        let trust = self.trust.unwrap_or_else(Trust::bundled);
        let connector = Connector::new(trust, self.connect_to);
        Ok(Minter {
            sandbox: Sandbox::new().map_err(|error| MintError::internal(&format!("{error:#}")))?,
            connection: Arc::new(Connection::new(connector)),
            observer: self.observer.unwrap_or_else(|| Arc::new(Blind)),
            interrupt: self.interrupt,
            patience: Patience::default(),
        })
    }
}
