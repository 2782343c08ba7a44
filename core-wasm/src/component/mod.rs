//! The component: bindings, allocator, panic handler, and the exported
//! interfaces, one module each.
//!
//! This module contains no rule of the protocol, and the names of the WIT package are
//! used only here.

mod acceptor;
#[cfg(feature = "native")]
mod key_search;
#[cfg(feature = "native")]
mod packet_crypto;
mod pairing;
mod session;
mod types;

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "generated"
)]
mod bindings {
    #[cfg(feature = "native")]
    wit_bindgen::generate!({ path: "wit", world: "native" });
    #[cfg(not(feature = "native"))]
    wit_bindgen::generate!({ path: "wit", world: "portable" });
}

#[allow(unsafe_code, reason = "the exported symbols are generated")]
mod exports {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

pub(crate) struct Component;
