//! Generated from `wit/`; only `guest` may use it. The host uses its plain types as
//! they are, so that faults and settings are defined once, in the WIT package.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "native",
    imports: { default: trappable },
    with: {
        "spiped:pipe/key-search.psk-set": crate::packet_crypto::KeySearch,
        "spiped:pipe/packet-crypto.direction": crate::packet_crypto::Direction,
    },
    additional_derives: [PartialEq, Eq],
});

pub(super) use self::exports::spiped::pipe::{acceptor, session, types};
