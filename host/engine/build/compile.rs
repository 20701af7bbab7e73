//! From a component to native code.

#[path = "../src/sandbox/engine_config.rs"]
mod engine_config;

use wasmtime::{Engine, OptLevel};

/// Compiles for the target's baseline. Naming the target is what keeps the
/// features of the building machine's own CPU out of the code.
pub(crate) fn ahead_of_time(component: &[u8], target: &str) -> Result<Vec<u8>, String> {
    let mut config = engine_config::engine_config();
    config
        .target(target)
        .map_err(|error| format!("there is no code for {target}: {error:#}"))?
        .cranelift_opt_level(OptLevel::SpeedAndSize);
    Engine::new(&config)
        .and_then(|engine| engine.precompile_component(component))
        .map_err(|error| format!("the component could not be compiled: {error:#}"))
}
