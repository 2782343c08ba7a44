//! The wasmtime settings that affect compiled code.
//!
//! Compiled into the build tool and into the daemon, so that the precompiled
//! component always fits the engine that loads it.

use wasmtime::Config;

/// Address space reserved for one linear memory, in bytes, which is also its maximum
/// size. A guest with full batches uses a few hundred KiB. With so little, no bounds
/// check is elided, and none has to be: a guest spends nearly all of its time in
/// register arithmetic.
pub(crate) const MEMORY_RESERVATION: u64 = 2 << 20;

/// The unmapped space after each linear memory, in bytes.
pub(crate) const MEMORY_GUARD: u64 = 64 << 10;

/// How a fresh instance gets its initial data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InitialData {
    /// Mapped from a memfd, one page at a time as it is used.
    Mapped,
    /// Copied, for a process that may not write files, not even in memory. Takes about
    /// 25 µs longer per instance.
    Copied,
}

/// The settings that both must share.
pub(crate) fn engine_config(initial_data: InitialData) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // 64x64-bit multiplication in one instruction: an exponentiation then takes a
        // third of the time.
        .wasm_wide_arithmetic(true)
        // A guest that does not return is stopped at its deadline.
        .epoch_interruption(true)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_reservation_for_growth(0)
        .memory_guard_size(MEMORY_GUARD)
        .memory_init_cow(initial_data == InitialData::Mapped)
        // The guest never needs these. Vectors are for the portable component only,
        // which the checks of constant time run.
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false);
    config
}
