use wasmtime::Config;

/// The settings that compiled code depends on, for the build script that
/// compiles the component and the sandbox that runs it: code is only taken by
/// an engine with the same ones.
///
/// Whatever the component does not use is off: what cannot be asked for needs
/// no care.
pub(crate) fn engine_config() -> Config {
    let mut config = Config::new();
    config
        // A loop ends when its fuel does, and yields so that deadlines are kept.
        // Unlike epochs this needs no ticking thread, and the bound is exact.
        .consume_fuel(true)
        .concurrency_support(false)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        // Between the gate and the component behind it stands code of the engine's
        // own, which copies from one's memory to the other's.
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        // A trap is told by its name. Where in the component it happened would
        // take tables that every start pays for.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        // The most that the component's memory may grow to, reserved at once:
        // it never moves, and no 4 GiB of address space are asked for.
        .memory_reservation(MEMORY_BYTES)
        .memory_reservation_for_growth(0)
        .memory_may_move(false)
        .memory_guard_size(64 * 1024)
        // What a memory begins with is copied: some KiB at once are quicker than a
        // file in memory, mapped and read a page at a time.
        .memory_init_cow(false);
    config
}

/// A mint takes under 2 MiB. The rest is room for a 64 KiB answer parsed as the
/// worst JSON, and for an allocator's waste.
pub(crate) const MEMORY_BYTES: u64 = 32 * 1024 * 1024;
