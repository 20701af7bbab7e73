use std::sync::{Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{
    Engine, Store,
    component::{Component, HasSelf, InstancePre, Linker, ResourceTable},
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http};
use wasmtime_wasi_io::bindings::wasi::io;

use super::{
    code,
    guest::{Exports, Guest},
    state::State,
};

/// A component with all that it asks for. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Linked {
    component: InstancePre<State>,
    exports: Exports,
    #[cfg(feature = "compiler")]
    imports: Vec<String>,
}

impl Linked {
    /// The embedded component, which is loaded once in a process.
    pub(crate) fn built_in() -> Result<Self, wasmtime::Error> {
        static LOADED: Mutex<Option<Linked>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(linked) = &*loaded {
            return Ok(linked.clone());
        }
        let engine = code::engine()?;
        let component = code::load(&engine)?;
        let linked = Self::link(&engine, &component)?;
        Ok(loaded.insert(linked).clone())
    }

    /// How long the engine, the code and the linking take the first time.
    #[cfg(feature = "benchmark")]
    pub(crate) fn in_steps() -> Result<[std::time::Duration; 3], wasmtime::Error> {
        use std::time::Instant;
        let begun = Instant::now();
        let engine = code::engine()?;
        let made = begun.elapsed();
        let begun = Instant::now();
        let component = code::load(&engine)?;
        let loaded = begun.elapsed();
        let begun = Instant::now();
        Self::link(&engine, &component)?;
        Ok([made, loaded, begun.elapsed()])
    }

    /// Compiles a component that is not built in, under the same settings.
    #[cfg(feature = "compiler")]
    pub(super) fn compile(component: &[u8]) -> Result<Self, wasmtime::Error> {
        let engine = Engine::new(&super::engine_config::engine_config())?;
        let component = Component::from_binary(&engine, component)?;
        Self::link(&engine, &component)
    }

    /// Links the five interfaces and nothing else: a component that asks for
    /// more ends here.
    pub(super) fn link(engine: &Engine, component: &Component) -> Result<Self, wasmtime::Error> {
        let mut linker = Linker::<State>::new(engine);
        io::error::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        io::poll::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        io::streams::add_to_linker::<State, HasTable>(&mut linker, State::table)?;
        let options = http::types::LinkOptions::default();
        http::types::add_to_linker::<State, WasiHttp>(&mut linker, &options, State::http)?;
        http::outgoing_handler::add_to_linker::<State, WasiHttp>(&mut linker, State::http)?;
        let linked = linker.instantiate_pre(component)?;
        Ok(Self {
            #[cfg(feature = "compiler")]
            imports: {
                let ty = component.component_type();
                ty.imports(engine)
                    .map(|(name, _)| name.to_owned())
                    .collect()
            },
            exports: Exports::find(&linked)?,
            component: linked,
        })
    }

    /// What the component asks for.
    #[cfg(feature = "compiler")]
    pub(super) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str)
    }

    pub(super) fn engine(&self) -> &Engine {
        self.component.engine()
    }

    pub(super) async fn instantiate(
        &self,
        mut store: Store<State>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Guest, wasmtime::Error> {
        let instance = self.component.instantiate_async(&mut store).await?;
        Ok(Guest {
            store,
            instance,
            exports: self.exports.clone(),
            _place: place,
        })
    }
}

type HasTable = HasSelf<ResourceTable>;
