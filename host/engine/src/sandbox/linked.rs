use once_cell::sync::OnceCell;
use wasmtime::{
    Engine, Store,
    component::{Component, HasSelf, Instance, InstancePre, Linker, ResourceTable},
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http};
use wasmtime_wasi_io::bindings::wasi::io;

use super::{code, guest::Exports, state::State};

/// A component with all that it asks for.
pub(crate) struct Linked {
    component: InstancePre<State>,
    pub(super) exports: Exports,
    #[cfg(feature = "compiler")]
    imports: Vec<String>,
}

impl Linked {
    /// The embedded component, which is loaded once in a process.
    pub(crate) fn built_in() -> Result<&'static Self, wasmtime::Error> {
        static LOADED: OnceCell<Linked> = OnceCell::new();
        LOADED.get_or_try_init(|| {
            let engine = code::engine()?;
            let component = code::load(&engine)?;
            Self::link(&engine, &component)
        })
    }

    /// How long the engine, the code and the linking take the first time.
    #[cfg(feature = "__internals")]
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
        store: &mut Store<State>,
    ) -> Result<Instance, wasmtime::Error> {
        self.component.instantiate_async(store).await
    }
}

type HasTable = HasSelf<ResourceTable>;
