//! The `portable` world in plain wasmtime, with nothing to import.

use sha2::{Digest, Sha256};
use spiped_core as core;
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, Store};

use crate::{Answer, Build, Call, Ingredients, built};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "portable" });
}
use bindings::exports::spiped::pipe::protocol;

/// The compiled component.
pub(crate) struct Compiled(bindings::PortablePre<()>);

impl Compiled {
    pub(crate) fn new() -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, built("spiped-portable.wasm")).unwrap();
        let linked = Linker::new(&engine).instantiate_pre(&component).unwrap();
        Self(bindings::PortablePre::new(linked).unwrap())
    }
}

pub(crate) struct Portable {
    store: Store<()>,
    instance: bindings::Portable,
    session: ResourceAny,
}

impl Portable {
    pub(crate) fn new(compiled: &Compiled, ingredients: Ingredients<'_>) -> Self {
        let mut store = Store::new(compiled.0.engine(), ());
        let instance = compiled.0.instantiate(&mut store).unwrap();
        let config = protocol::Config {
            side: match ingredients.config.side {
                core::Side::Client => protocol::Side::Client,
                core::Side::Server => protocol::Side::Server,
            },
            forward_secrecy: match ingredients.config.forward_secrecy {
                core::ForwardSecrecy::Offer => protocol::ForwardSecrecy::Offer,
                core::ForwardSecrecy::Require => protocol::ForwardSecrecy::Require,
                core::ForwardSecrecy::Omit => protocol::ForwardSecrecy::Omit,
            },
        };
        let secrets = [Sha256::digest(ingredients.key_file).to_vec()];
        let session = instance
            .spiped_pipe_protocol()
            .session()
            .call_constructor(&mut store, config, &secrets, &ingredients.entropy)
            .unwrap();
        Self { store, instance, session }
    }
}

impl Build for Portable {
    fn call(&mut self, call: Call<'_>) -> Answer {
        let Self { store, instance, session } = self;
        let api = instance.spiped_pipe_protocol().session();
        let output = match call {
            Call::Start => api.call_start(store, *session),
            Call::Compute => api.call_compute(store, *session),
            Call::Crypt(bytes) => api.call_handle_crypt(store, *session, bytes),
            Call::Plain(bytes) => api.call_handle_plain(store, *session, bytes),
            Call::CryptEof => api.call_crypt_eof(store, *session),
            Call::PlainEof => api.call_plain_eof(store, *session),
        };
        let output = output.unwrap();
        Answer {
            output: core::Output { to_crypt: output.to_crypt, to_plain: output.to_plain },
            status: match output.status {
                protocol::Status::Handshaking => Ok(core::Status::Handshaking),
                protocol::Status::Computing => Ok(core::Status::Computing),
                protocol::Status::Established => Ok(core::Status::Established),
                protocol::Status::Failed(failure) => Err(error(failure)),
            },
        }
    }
}

fn error(failure: protocol::Failure) -> core::Error {
    let protocol::Failure::Peer(fault) = failure else { panic!("not the peer's: {failure:?}") };
    core::Error::Peer(match fault {
        protocol::PeerFault::WrongKey => core::PeerFault::WrongKey,
        protocol::PeerFault::PublicValueOutOfRange => core::PeerFault::PublicValueOutOfRange,
        protocol::PeerFault::NoForwardSecrecy => core::PeerFault::NoForwardSecrecy,
        protocol::PeerFault::ForgedPacket(number) => core::PeerFault::ForgedPacket { number },
        protocol::PeerFault::BadLength(bad) => {
            core::PeerFault::BadLength { number: bad.packet_number, length: bad.length }
        }
        protocol::PeerFault::CutOffInHandshake => core::PeerFault::CutOffInHandshake,
        protocol::PeerFault::CutOffInPacket => core::PeerFault::CutOffInPacket,
    })
}
