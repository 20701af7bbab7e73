//! How much a component may use. Each figure was measured with a mint and then
//! given room; a component that needs more is not this one.

use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

use super::{engine_config::MEMORY_BYTES, state::State};

/// Instructions, roughly. A mint takes under 1 million; all of this is used up
/// in a few tenths of a second.
const FUEL: u64 = 100_000_000;

/// After so many the task lets others run, so that a deadline ends a loop long
/// before its fuel is used up.
const FUEL_BETWEEN_YIELDS: u64 = 100_000;

/// Bytes that one call of the host may copy. The largest is a response's body.
const HOSTCALL_FUEL: usize = 1024 * 1024;

/// Resources that the component may hold at once. A request takes about ten.
const HANDLES: usize = 256;

/// Entries of the host's own table, which has one or two for a handle.
pub(super) const TABLE_ENTRIES: usize = 256;

/// Bytes of one list of headers in memory, with what the list itself takes. The
/// component's own are under 1 KiB.
pub(super) const FIELDS_BYTES: usize = 16 * 1024;

/// Functions that the component can point to: it has some hundreds.
pub(super) const TABLE_ELEMENTS: usize = 10_000;

/// Core instances, tables and memories. wit-component makes up to four of each
/// from one module; a composed component has two modules.
pub(super) const INSTANCES: usize = 16;
pub(super) const TABLES: usize = 16;
pub(super) const MEMORIES: usize = 2;

pub(super) fn store_limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(usize::try_from(MEMORY_BYTES).unwrap_or(usize::MAX))
        .table_elements(TABLE_ELEMENTS)
        .instances(INSTANCES)
        .tables(TABLES)
        .memories(MEMORIES)
        .build()
}

pub(super) fn limit(store: &mut Store<State>) -> Result<(), wasmtime::Error> {
    store.limiter(|state| &mut state.limits);
    store.set_fuel(FUEL)?;
    store.fuel_async_yield_interval(Some(FUEL_BETWEEN_YIELDS))?;
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    store.set_max_component_handles(HANDLES);
    Ok(())
}
