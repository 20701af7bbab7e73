//! The component and the walls around it.

mod bindings;
mod code;
mod embedded_component;
mod engine_config;
mod guest;
mod inspected;
mod limits;
mod linked;
mod pool;
mod state;

pub(crate) use bindings::types;
pub use embedded_component::EmbeddedComponent;
pub(crate) use guest::Guest;
pub use inspected::{InspectError, Inspected};

use std::{io, sync::Arc};

pub(crate) use linked::Linked;
use pool::Pool;
use rustix::io::Errno;
pub(crate) use state::State;
use wasmtime::{Store, Trap};

use crate::egress::{Egress, Run};

/// The component: ready to be called any number of times, each time in an instance
/// of its own.
pub(crate) enum Sandbox {
    /// The one that is built in. It is loaded when it is called first, which can be
    /// while a connection is made for it.
    BuiltIn,
    /// The same, in memory that is kept from call to call.
    Pooled,
    /// One that was compiled from a file.
    #[cfg(feature = "compiler")]
    Compiled(Box<Linked>),
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It used more than it may.
    #[error("the component went over a limit: {0}")]
    OverLimit(String),
    /// It stopped in an unforeseen way.
    #[error("the component stopped: {0}")]
    Trapped(String),
    /// The system does not let memory become executable.
    #[error("the system does not let this program make its code executable ({0})")]
    NotExecutable(io::Error),
    /// It did not begin.
    #[error("the component cannot be loaded: {0}")]
    Unloadable(String),
}

impl Sandbox {
    /// Compiles a component that is not built in, under the same settings.
    #[cfg(feature = "compiler")]
    pub(crate) fn of(component: &[u8]) -> Result<Self, wasmtime::Error> {
        let linked = Linked::compile(component)?;
        Ok(Self::Compiled(Box::new(linked)))
    }

    /// What the component asks for.
    pub(crate) fn imports(&self) -> Vec<&str> {
        match self {
            Self::BuiltIn | Self::Pooled => EmbeddedComponent::imports().collect(),
            #[cfg(feature = "compiler")]
            Self::Compiled(linked) => linked.imports().collect(),
        }
    }

    /// Whether it is known to ask the API as soon as it is called.
    pub(crate) fn asks_at_once(&self) -> bool {
        matches!(self, Self::BuiltIn | Self::Pooled)
    }

    /// Calls the component in a new instance that has `run` as its one way out.
    pub(crate) async fn call<T, C>(
        &self,
        run: Arc<Run>,
        call: impl FnOnce(Guest) -> C,
    ) -> Result<T, Fault>
    where
        C: Future<Output = Result<T, wasmtime::Error>>,
    {
        let guest = self.instance(run).await?;
        call(guest).await.map_err(|error| fault(&error))
    }

    /// A new instance that has `run` as its one way out.
    pub(crate) async fn instance(&self, run: Arc<Run>) -> Result<Guest, Fault> {
        let (linked, permit) = match self {
            Self::BuiltIn => (
                Linked::built_in().map_err(|error| unloadable(&error))?,
                None,
            ),
            Self::Pooled => {
                let pool = Pool::of_process().map_err(|error| unloadable(&error))?;
                (&pool.linked, pool.room.acquire().await.ok())
            }
            #[cfg(feature = "compiler")]
            Self::Compiled(linked) => (&**linked, None),
        };
        // After the permit, which is not to be given back before.
        let mut store = Store::new(linked.engine(), State::new(Egress::new(run)));
        limits::limit(&mut store).map_err(|error| fault(&error))?;
        let instance = linked.instantiate(&mut store).await;
        let instance = instance.map_err(|error| fault(&error))?;
        Ok(Guest {
            store,
            instance,
            exports: linked.exports.clone(),
            _permit: permit,
        })
    }
}

fn unloadable(error: &wasmtime::Error) -> Fault {
    let said = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Errno>());
    match said.copied().map(io::Error::from) {
        Some(said) if said.kind() == io::ErrorKind::PermissionDenied => Fault::NotExecutable(said),
        _ => Fault::Unloadable(format!("{error:#}")),
    }
}

fn fault(error: &wasmtime::Error) -> Fault {
    let detail = format!("{error:#}");
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel | Trap::StackOverflow) => Fault::OverLimit(detail),
        _ => Fault::Trapped(detail),
    }
}
