//! From core modules to components, and from two of them to one.

use wac_graph::{CompositionGraph, EncodeOptions, plug, types::Package};
use wit_component::ComponentEncoder;

/// Encodes the module as a component: its imports are those that it calls.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .module(module)
        .map(|encoder| encoder.validate(true))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| format!("the component could not be encoded: {error:#}"))
}

/// Makes the first component's exports the second one's imports.
pub(crate) fn in_front(gate: &[u8], behind: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("the gate could not be put in front of the component: {error:#}")
    };
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, bytes: &[u8]| {
        let package = Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut())
            .map_err(|error| failed(&error))?;
        graph
            .register_package(package)
            .map_err(|error| failed(&error))
    };
    let gate = register("tailmint:gate", gate)?;
    let behind = register("tailmint:behind", behind)?;
    plug(&mut graph, vec![gate], behind).map_err(|error| failed(&error))?;
    graph
        .encode(EncodeOptions::default())
        .map_err(|error| failed(&error))
}
