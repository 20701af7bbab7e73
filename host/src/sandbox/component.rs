use wasmtime::{Engine, component::Component};

/// The component that is built into this library.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedComponent;

static WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));
static DIGEST: &str = include_str!(concat!(env!("OUT_DIR"), "/component.sha256"));
static WIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/api.wit.wasm"));
static CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm"));

impl EmbeddedComponent {
    /// The component as any runtime takes it. The native code that runs here was
    /// compiled from these bytes when the library was built.
    pub fn bytes() -> &'static [u8] {
        WASM
    }

    /// The component's contract, the WIT package `tailmint:api`, as tools and
    /// registries take it.
    pub fn wit() -> &'static [u8] {
        WIT
    }

    /// The SHA-256 of [`EmbeddedComponent::bytes`] in hexadecimal digits.
    pub fn digest() -> &'static str {
        DIGEST
    }
}

/// Loads the compiled component.
#[expect(
    unsafe_code,
    reason = "compiled code is run as it is: these bytes are this library's own, made by its build script"
)]
pub(super) fn load(engine: &Engine) -> Result<Component, wasmtime::Error> {
    // SAFETY: `CODE` was written by `Engine::precompile_component` of the same
    // wasmtime in this crate's build script, with the same `engine_config`, and
    // is part of the program since; nobody can have changed it in between.
    unsafe { Component::deserialize(engine, CODE) }
}
