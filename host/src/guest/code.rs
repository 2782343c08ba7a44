//! The component's machine code. It is part of the executable segment of this program,
//! so no page is ever made executable. Therefore it also runs where that is forbidden
//! (`MemoryDenyWriteExecute=`), and all processes share it. (Copying the code and
//! making the copy executable would also cost each process 0.7 MiB.)

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Resource, getrlimit};
use wasmtime::component::Component;
use wasmtime::{Config, CustomCodeMemory, Engine as Wasmtime, Result, bail};

use super::engine_config::InitialData;

/// The component, precompiled for this architecture by the build.
#[unsafe(link_section = ".text.spiped_component")]
#[allow(unsafe_code, reason = "data among code: it is code, but not this compiler's")]
static MAPPED: Pages<[u8; include_bytes!(env!("SPIPED_COMPONENT")).len()]> =
    Pages(*include_bytes!(env!("SPIPED_COMPONENT")));

/// The same for a process that may not write files: with the usual form, the initial
/// data of an instance comes from a memfd, and under `RLIMIT_FSIZE` writing that ends
/// the process with SIGXFSZ.
#[unsafe(link_section = ".text.spiped_component")]
#[allow(unsafe_code, reason = "as above")]
static COPIED: Pages<[u8; include_bytes!(env!("SPIPED_COMPONENT_COPIED")).len()]> =
    Pages(*include_bytes!(env!("SPIPED_COMPONENT_COPIED")));

/// Whether an engine uses the code in place. wasmtime identifies code by its address
/// and aborts the process if two engines have the same code, so every other engine, as
/// tests make them, runs a copy.
static IN_PLACE: AtomicBool = AtomicBool::new(false);

/// Starts on a page of its own, however large pages are.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(65536)))]
struct Pages<T>(T);

/// More than the initial data of an instance.
const IMAGE_MAX: u64 = 1 << 20;

/// A build of the component other than the one in this program.
#[derive(Clone, Copy)]
pub struct Precompiled(&'static [u8]);

impl Precompiled {
    /// This is one.
    ///
    /// # Safety
    /// It has to come from `precompile_component` of the same wasmtime under
    /// `engine_config`: it is run as it is.
    #[must_use]
    #[allow(unsafe_code, reason = "a promise about machine code")]
    pub const unsafe fn new(code: &'static [u8]) -> Self {
        Self(code)
    }

    /// The code.
    pub(super) fn code(self) -> &'static [u8] {
        self.0
    }
}

impl fmt::Debug for Precompiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Precompiled({} bytes)", self.0.len())
    }
}

/// Precompiled code.
#[derive(Clone, Copy)]
pub(super) enum Code<'a> {
    /// Part of this program.
    Linked(InitialData),
    /// Any other, with [`InitialData::Mapped`].
    Loaded(&'a [u8]),
}

impl Code<'_> {
    /// The code this program was built with, in the form that works in this process.
    pub(super) fn linked() -> Self {
        if IN_PLACE.swap(true, Ordering::Relaxed) {
            return Self::Loaded(&MAPPED.0);
        }
        // Beyond the limit, the kernel sends a signal instead of returning an error.
        let files = getrlimit(Resource::Fsize).current;
        Self::Linked(match files {
            Some(files) if files < IMAGE_MAX => InitialData::Copied,
            Some(_) | None => InitialData::Mapped,
        })
    }

    pub(super) fn initial_data(self) -> InitialData {
        match self {
            Self::Linked(initial_data) => initial_data,
            Self::Loaded(_) => InitialData::Mapped,
        }
    }

    /// Further settings for the engine that loads it.
    pub(super) fn configure(self, config: &mut Config) {
        if let Self::Linked(_) = self {
            config.with_custom_code_memory(Some(Arc::new(AlreadyExecutable)));
        }
    }

    /// # Safety
    /// What is loaded has to come from `precompile_component` of the same
    /// wasmtime under `engine_config`: it is run as it is.
    #[allow(unsafe_code, reason = "the only way to load precompiled code")]
    pub(super) unsafe fn load(self, engine: &Wasmtime) -> Result<Component> {
        let code: &'static [u8] = match self {
            // SAFETY: the caller's promise.
            Self::Loaded(code) => return unsafe { Component::deserialize(engine, code) },
            Self::Linked(InitialData::Mapped) => &MAPPED.0,
            Self::Linked(InitialData::Copied) => &COPIED.0,
        };
        // SAFETY: the build made these bytes as they have to be. They are part of
        // this program's code, which nobody changes and which stays as long as
        // the process.
        unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }
    }
}

/// There is nothing to do for code that is part of the program.
struct AlreadyExecutable;

impl CustomCodeMemory for AlreadyExecutable {
    fn required_alignment(&self) -> usize {
        align_of::<Pages<u8>>()
    }

    fn publish_executable(&self, start: *const u8, len: usize) -> Result<()> {
        let within = |code: &[u8]| {
            let code = code.as_ptr_range();
            code.contains(&start) && start.addr() + len <= code.end.addr()
        };
        if !within(&MAPPED.0) && !within(&COPIED.0) {
            bail!("code that is not part of the program");
        }
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> Result<()> {
        Ok(())
    }
}
