use once_cell::sync::OnceCell;
use tokio::sync::Semaphore;
use wasmtime::{Enabled, Engine, PoolingAllocationConfig};

use super::{
    code,
    engine_config::{MEMORY_BYTES, engine_config},
    limits::{INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES},
    linked::Linked,
};

/// The embedded component, with the memory of some calls kept from one to the next.
pub(super) struct Pool {
    pub(super) linked: Linked,
    /// For those calls; others wait.
    pub(super) room: Semaphore,
}

/// As many as there are connections for: more could only wait for one.
const CALLS: u32 = 16;

/// What a call wrote is wiped up to this size, in each memory, table and stack, and what
/// is beyond is given back.
const KEPT_BYTES: usize = 512 * 1024;

impl Pool {
    /// The one of this process, made when it is first asked for.
    pub(super) fn of_process() -> Result<&'static Self, wasmtime::Error> {
        static MADE: OnceCell<Pool> = OnceCell::new();
        MADE.get_or_try_init(|| {
            let mut config = engine_config();
            config.allocation_strategy(places());
            let engine = Engine::new(&config)?;
            let component = code::load_copy(&engine)?;
            Ok(Self {
                linked: Linked::link(&engine, &component)?,
                room: Semaphore::new(CALLS as usize),
            })
        })
    }
}

/// Room for what [`limits`](super::limits) let every call have.
fn places() -> PoolingAllocationConfig {
    let of_calls = |each: usize| CALLS.saturating_mul(u32::try_from(each).unwrap_or(u32::MAX));
    let mut places = PoolingAllocationConfig::new();
    places
        .total_component_instances(CALLS)
        .total_core_instances(of_calls(INSTANCES))
        .total_memories(of_calls(MEMORIES))
        .max_memory_size(usize::try_from(MEMORY_BYTES).unwrap_or(usize::MAX))
        .total_tables(of_calls(TABLES))
        .table_elements(TABLE_ELEMENTS)
        .total_stacks(CALLS)
        .max_unused_warm_slots(CALLS)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        .async_stack_keep_resident(KEPT_BYTES)
        // Where the kernel can tell what was written, only that is wiped.
        .pagemap_scan(Enabled::Auto);
    places
}
