//! The wasmtime settings that decide what compiled code looks like.
//!
//! Compiled into the build tool and into the daemon, so that the precompiled
//! component always fits the engine that loads it.

use wasmtime::Config;

/// Address space set aside for one linear memory, in bytes. A guest uses a
/// few hundred KiB; no bounds check is elided for so little, and none needs
/// to be: nearly all of a guest's time goes to register arithmetic.
const MEMORY_RESERVATION: u64 = 4 << 20;

/// The settings both sides must share.
pub(crate) fn engine_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // 64x64-bit multiplication in one instruction: an exponentiation
        // takes a third of the time.
        .wasm_wide_arithmetic(true)
        // A guest that does not return is stopped at its deadline.
        .epoch_interruption(true)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_reservation_for_growth(0)
        .memory_guard_size(64 << 10)
        // The guest never needs these.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false);
    config
}
