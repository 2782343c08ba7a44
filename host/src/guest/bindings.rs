//! Generated from `wit/pipe.wit`; only `guest` may use it.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "native",
    imports: { default: trappable },
    with: { "spiped:pipe/packet-crypto.direction": crate::packet_crypto::Direction },
});
