//! Generated from `wit/`; only `guest` may use it. The plain types among it are
//! the host's own: what a fault or a setting is, the WIT package says, once.

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
