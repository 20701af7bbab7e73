use wasmtime::{StoreLimits, component::ResourceTable};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::limits::{FIELDS_BYTES, TABLE_ENTRIES, store_limits};
use crate::egress::Egress;

/// What an instance has on the host's side.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    egress: Egress,
    pub(super) limits: StoreLimits,
}

impl State {
    pub(super) fn new(egress: Egress) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(TABLE_ENTRIES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES);
        Self {
            table,
            http,
            egress,
            limits: store_limits(),
        }
    }

    pub(super) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
