//! The engine: the precompiled component, and the pool of its instances.

use std::io;
use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Engine as Wasmtime, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreLimits,
    StoreLimitsBuilder,
};

use super::bindings::spiped::pipe::key_search;
use super::bindings::{Native, NativePre};
use super::clock::{Allowance, Ticker, hold_to_allowance, wind_up};
use super::code::{Code, Precompiled};
use super::engine_config::{MEMORY_GUARD, MEMORY_RESERVATION, engine_config};
use super::imports::{Imports, add_packet_crypto};
use super::self_test::{self, SelfTestError};

/// The most memory one guest may have, in bytes: an order of magnitude more
/// than a guest with full batches uses.
#[allow(clippy::cast_possible_truncation, reason = "a constant that fits")]
const MEMORY_MAX: usize = MEMORY_RESERVATION as usize;

/// The number of elements in a table, and the bytes that a table takes with them.
const TABLE_ELEMENTS: usize = 256;
const TABLE_LEN: u64 = 4096;

/// Core instances in one component instance: the core module and the
/// adapters around it.
const CORE_INSTANCES: u32 = 4;

/// Makes guests. One for the whole program; clones are the same one.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    wasmtime: Wasmtime,
    guests: NativePre<Imports>,
    /// How many there can be at a time.
    room: u32,
    ticker: Ticker,
}

impl Engine {
    /// An engine for up to `guests` guests at a time, with the component that this
    /// program was built with. If the address space for so many is not available, it
    /// has room for [fewer](Self::guests). First tests that the component computes
    /// correctly on this machine.
    ///
    /// # Errors
    /// When there is not enough address space for a few guests, or the component does
    /// not work on this machine.
    pub fn new(guests: u32) -> Result<Self, EngineError> {
        Self::running(None, guests)
    }

    /// As [`new`](Self::new), for this build of the component, if there is one.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn running(
        component: Option<Precompiled>,
        guests: u32,
    ) -> Result<Self, EngineError> {
        let guests = guests.max(self_test::GUESTS);
        let code = component.map_or_else(Code::linked, |other| Code::Loaded(other.code()));
        // SAFETY: the code is part of this program, or its provider has promised the
        // same.
        #[allow(unsafe_code, reason = "the only way to load precompiled code")]
        let engine = unsafe { Self::of(guests, code) }?;
        self_test::self_test(&engine)?;
        Ok(engine)
    }

    /// An engine for another build of the component.
    ///
    /// # Errors
    /// When `code` does not fit, or the address space cannot be had.
    ///
    /// # Safety
    /// `code` has to come from `precompile_component` of the same wasmtime
    /// under `engine_config`: it is run as it is.
    #[allow(unsafe_code, reason = "the only way to load precompiled code")]
    pub unsafe fn precompiled(guests: u32, code: &[u8]) -> Result<Self, EngineError> {
        // SAFETY: the caller's promise.
        unsafe { Self::of(guests, Code::Loaded(code)) }
    }

    /// # Safety
    /// As for [`Code::load`].
    #[allow(unsafe_code, reason = "the only way to load precompiled code")]
    unsafe fn of(guests: u32, code: Code<'_>) -> Result<Self, EngineError> {
        let (wasmtime, room) = reserve(guests, code)?;
        let mut linker = Linker::new(&wasmtime);
        key_search::add_to_linker::<_, HasSelf<_>>(&mut linker, |imports| imports)?;
        add_packet_crypto(&mut linker)?;
        // SAFETY: the caller's promise.
        let component = unsafe { code.load(&wasmtime) }?;
        let guests = NativePre::new(linker.instantiate_pre(&component)?)?;
        let ticker = Ticker::start(&wasmtime).map_err(EngineError::Ticker)?;
        Ok(Self(Arc::new(Shared { wasmtime, guests, room, ticker })))
    }

    /// How many guests there can be at a time.
    #[must_use]
    pub fn guests(&self) -> u32 {
        self.0.room
    }

    /// Allocates what a thread needs to call guests. The first call would do this
    /// otherwise; now a thread that cannot get it fails when it starts.
    ///
    /// # Panics
    /// When the system gives no memory for it.
    pub fn prepare_thread() {
        Wasmtime::tls_eager_initialize();
    }

    /// A fresh instance in a store of its own.
    pub(super) fn instantiate(&self) -> wasmtime::Result<(Store<Imports>, Native)> {
        let Shared { wasmtime, guests, ticker, .. } = &*self.0;
        let mut store = Store::new(wasmtime, Imports::new(limits(), ticker.clock().clone()));
        store.limiter(|imports| imports.limits());
        hold_to_allowance(&mut store);
        wind_up(&mut store, Allowance::EventLoop);
        let _watched = ticker.clock().watch();
        let instance = guests.instantiate(&mut store)?;
        Ok((store, instance))
    }
}

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refused the component or could not reserve memory.
    #[error("cannot set up the sandbox: {0:#}")]
    Wasmtime(wasmtime::Error),
    /// The thread that measures calls could not be started.
    #[error("cannot start the sandbox's clock: {0}")]
    Ticker(io::Error),
    /// The component computed something wrong.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasmtime(error)
    }
}

/// The address space of each guest, used or not.
pub const GUEST_SPACE: u64 = MEMORY_RESERVATION + MEMORY_GUARD + CORE_INSTANCES as u64 * TABLE_LEN;

/// The runtime, with room for this many guests, or for as many as there is address
/// space for.
fn reserve(mut guests: u32, code: Code<'_>) -> wasmtime::Result<(Wasmtime, u32)> {
    loop {
        let mut config = engine_config(code.initial_data());
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(guests)));
        code.configure(&mut config);
        match Wasmtime::new(&config) {
            Err(_) if guests > self_test::GUESTS => {
                // Three quarters: this comes close to the possible number after few
                // attempts.
                guests = (guests - guests.div_ceil(4)).max(self_test::GUESTS);
            }
            made => return Ok((made?, guests)),
        }
    }
}

fn pool(guests: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    let core_instances = guests.saturating_mul(CORE_INSTANCES);
    pool.total_component_instances(guests)
        .total_core_instances(core_instances)
        .total_memories(guests)
        .total_tables(core_instances)
        .max_memory_size(MEMORY_MAX)
        .table_elements(TABLE_ELEMENTS);
    pool
}

/// A second limit, should the settings of the pool ever change.
fn limits() -> StoreLimits {
    StoreLimitsBuilder::new().memory_size(MEMORY_MAX).memories(1).build()
}
