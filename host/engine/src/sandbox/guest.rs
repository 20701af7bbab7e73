use tokio::sync::SemaphorePermit;
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use super::{
    bindings::exports::tailmint::api::{auth_keys, federated_identities, oauth_clients},
    state::State,
};

/// An instance of the component. Its types are compared with the contract's an
/// interface at a time, when that is called.
pub(crate) struct Guest {
    pub(super) store: Store<State>,
    pub(super) instance: Instance,
    pub(super) exports: Exports,
    /// Its permit of a pool. The last, so that it is given back when the store is.
    pub(super) _permit: Option<SemaphorePermit<'static>>,
}

/// Where in a component the contract's functions are.
#[derive(Clone)]
pub(super) struct Exports {
    auth_keys: auth_keys::GuestIndices,
    oauth_clients: oauth_clients::GuestIndices,
    federated_identities: federated_identities::GuestIndices,
}

impl Exports {
    pub(super) fn find(component: &InstancePre<State>) -> Result<Self, wasmtime::Error> {
        Ok(Self {
            auth_keys: auth_keys::GuestIndices::new(component)?,
            oauth_clients: oauth_clients::GuestIndices::new(component)?,
            federated_identities: federated_identities::GuestIndices::new(component)?,
        })
    }
}

impl Guest {
    pub(crate) fn auth_keys(
        &mut self,
    ) -> Result<(auth_keys::Guest, &mut Store<State>), wasmtime::Error> {
        let indices = &self.exports.auth_keys;
        let functions = indices.load(&mut self.store, &self.instance)?;
        Ok((functions, &mut self.store))
    }

    pub(crate) fn oauth_clients(
        &mut self,
    ) -> Result<(oauth_clients::Guest, &mut Store<State>), wasmtime::Error> {
        let indices = &self.exports.oauth_clients;
        let functions = indices.load(&mut self.store, &self.instance)?;
        Ok((functions, &mut self.store))
    }

    pub(crate) fn federated_identities(
        &mut self,
    ) -> Result<(federated_identities::Guest, &mut Store<State>), wasmtime::Error> {
        let indices = &self.exports.federated_identities;
        let functions = indices.load(&mut self.store, &self.instance)?;
        Ok((functions, &mut self.store))
    }
}
