use std::{ptr::NonNull, sync::Arc};

use rustix::param::page_size;
use wasmtime::{CustomCodeMemory, Engine, component::Component};

use super::engine_config::engine_config;

/// The compiled component, at the start of a page, among the program's own code: it is
/// run where the program has it, so that a start reads the pages that it needs and copies
/// none, and nothing is made executable while the program runs, which hardened systems
/// deny. Linkers put every section of such a name there.
#[cfg_attr(
    not(target_vendor = "apple"),
    expect(unsafe_code, reason = "bytes that compilers made are code")
)]
// The system maps constants of Mach-O files as code by itself.
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".text.component"))]
static CODE: Pages<[u8; COMPILED.len()]> = Pages(*COMPILED);

const COMPILED: &[u8; include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm")).len()] =
    include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm"));

/// The largest pages that systems have, which is where wasmtime puts the code in its file
/// for those that have them.
#[repr(C, align(65536))]
struct Pages<T>(T);

/// An engine that runs the code where it is.
pub(super) fn engine() -> Result<Engine, wasmtime::Error> {
    let mut config = engine_config();
    config.with_custom_code_memory(Some(Arc::new(InPlace)));
    Engine::new(&config)
}

/// Loads the compiled component where it is. That can be done by one engine in a
/// process.
#[expect(
    unsafe_code,
    reason = "compiled code is run as it is: these bytes are this library's own, made by its build script"
)]
pub(super) fn load(engine: &Engine) -> Result<Component, wasmtime::Error> {
    // SAFETY: `CODE` was written by `Engine::precompile_component` of the same
    // wasmtime in this crate's build script, with the same `engine_config`, and is
    // part of the program since, where nothing can be written to it.
    unsafe { Component::deserialize_raw(engine, NonNull::from(&CODE.0[..])) }
}

/// Loads a copy of the compiled component, for another engine.
#[expect(
    unsafe_code,
    reason = "compiled code is run as it is: these bytes are this library's own, made by its build script"
)]
pub(super) fn load_copy(engine: &Engine) -> Result<Component, wasmtime::Error> {
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, CODE.0) }
}

/// Leaves code as it is: it was executable when the program was started, could never be
/// written to, and stays so until the process ends. Branch targets of 64-bit ARM are not
/// guarded.
struct InPlace;

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    fn publish_executable(&self, _: *const u8, _: usize) -> Result<(), wasmtime::Error> {
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<(), wasmtime::Error> {
        Ok(())
    }
}
