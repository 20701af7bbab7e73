use std::{ffi::c_void, ptr::NonNull, sync::Arc};

use rustix::{
    mm::{MprotectFlags, mprotect},
    param::page_size,
};
use wasmtime::{CustomCodeMemory, Engine, component::Component};

use super::engine_config::engine_config;

/// The compiled component, at the start of a page: it is run where the program has
/// it, so that a start reads the pages that it needs and copies none.
static CODE: &Pages<[u8]> = &Pages(*include_bytes!(concat!(
    env!("OUT_DIR"),
    "/component.cwasm"
)));

/// The largest pages that systems have. The size is a whole number of them too, so
/// that what is made executable ends where this does.
#[repr(C, align(65536))]
struct Pages<T: ?Sized>(T);

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
    unsafe { Component::deserialize_raw(engine, NonNull::from(&CODE.0)) }
}

/// Loads a copy of the compiled component, for another engine.
#[expect(
    unsafe_code,
    reason = "compiled code is run as it is: these bytes are this library's own, made by its build script"
)]
pub(super) fn load_copy(engine: &Engine) -> Result<Component, wasmtime::Error> {
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, &CODE.0) }
}

/// Makes code executable where it lies. It could never be written to, and stays
/// executable until the process ends. Branch targets of 64-bit ARM are not guarded.
struct InPlace;

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    #[expect(unsafe_code, reason = "the protection of memory is changed")]
    fn publish_executable(&self, code: *const u8, length: usize) -> Result<(), wasmtime::Error> {
        let code = code.cast_mut().cast::<c_void>();
        // SAFETY: these are pages of `CODE` alone, of which nothing is written, neither
        // before nor after. Wasmtime puts code at the start of a page, of the largest
        // that the target has, and checks that here.
        unsafe { mprotect(code, length, MprotectFlags::READ | MprotectFlags::EXEC) }?;
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<(), wasmtime::Error> {
        Ok(())
    }
}
