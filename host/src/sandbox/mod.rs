//! The component and the walls around it.

mod bindings;
mod component;
mod engine_config;
mod inspect;
mod limits;
mod state;

pub(crate) use bindings::{Calls, types};
pub use component::EmbeddedComponent;
pub use inspect::{InspectError, Inspected};

use std::sync::Arc;

use bindings::CallsPre;
pub(crate) use state::State;
use wasmtime::{
    Engine, Store, Trap,
    component::{Component, HasSelf, Linker},
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::egress::{Egress, Run};

/// The component, loaded and linked: ready to be called any number of times,
/// each time in an instance of its own.
pub(crate) struct Sandbox {
    calls: CallsPre<State>,
    imports: Vec<String>,
}

/// Why a call came to no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It used more than it may.
    #[error("the component went over a limit: {0}")]
    OverLimit(String),
    /// It stopped in an unforeseen way.
    #[error("the component stopped: {0}")]
    Trapped(String),
}

impl Sandbox {
    /// Loads the embedded component.
    pub(crate) fn new() -> Result<Self, wasmtime::Error> {
        let engine = Engine::new(&engine_config::engine_config())?;
        let component = component::load(&engine)?;
        Self::link(&engine, &component)
    }

    /// Compiles a component that is not built in, under the same settings.
    #[cfg(feature = "compiler")]
    pub(crate) fn of(component: &[u8]) -> Result<Self, wasmtime::Error> {
        let engine = Engine::new(&engine_config::engine_config())?;
        let component = Component::from_binary(&engine, component)?;
        Self::link(&engine, &component)
    }

    /// Links the five interfaces and nothing else: a component that asks for
    /// more ends here.
    fn link(engine: &Engine, component: &Component) -> Result<Self, wasmtime::Error> {
        let mut linker = Linker::<State>::new(engine);
        io::error::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        io::poll::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        io::streams::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        let options = http::types::LinkOptions::default();
        http::types::add_to_linker::<State, WasiHttp>(&mut linker, &options, State::http)?;
        http::outgoing_handler::add_to_linker::<State, WasiHttp>(&mut linker, State::http)?;
        let imports = component.component_type();
        let imports = imports.imports(engine).map(|(name, _)| name.to_owned());
        Ok(Self {
            imports: imports.collect(),
            calls: CallsPre::new(linker.instantiate_pre(component)?)?,
        })
    }

    /// What the component asks for.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str)
    }

    /// Calls the component in a new instance that has `run` as its one way out.
    pub(crate) async fn call<T>(
        &self,
        run: Arc<Run>,
        call: impl AsyncFnOnce(&mut Store<State>, &Calls) -> Result<T, wasmtime::Error>,
    ) -> Result<T, Fault> {
        let mut store = Store::new(self.calls.engine(), State::new(Egress::new(run)));
        limits::limit(&mut store).map_err(|error| fault(&error))?;
        let calls = self
            .calls
            .instantiate_async(&mut store)
            .await
            .map_err(|error| fault(&error))?;
        call(&mut store, &calls)
            .await
            .map_err(|error| fault(&error))
    }
}

type HasTable = HasSelf<wasmtime::component::ResourceTable>;

fn fault(error: &wasmtime::Error) -> Fault {
    let detail = format!("{error:#}");
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel | Trap::StackOverflow) => Fault::OverLimit(detail),
        _ => Fault::Trapped(detail),
    }
}
