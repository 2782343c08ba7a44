//! The `portable` world in plain wasmtime, with nothing to import.

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

pub(crate) struct PortableWorld {
    store: Store<()>,
    instance: bindings::Portable,
    session: ResourceAny,
}

impl PortableWorld {
    pub(crate) fn new(compiled: &Compiled, ingredients: &Ingredients) -> Self {
        let mut store = Store::new(compiled.0.engine(), ());
        let instance = compiled.0.instantiate(&mut store).unwrap();
        let api = instance.spiped_pipe_protocol().session();
        let session = match ingredients {
            Ingredients::New { config, secrets, entropy } => {
                let config = protocol::Config {
                    side: match config.side {
                        core::Side::Client => protocol::Side::Client,
                        core::Side::Server => protocol::Side::Server,
                    },
                    key_exchange: config.key_exchange.map(|exchange| match exchange {
                        core::KeyExchange::Modp2048 => protocol::KeyExchange::Modp2048,
                        core::KeyExchange::X25519 => protocol::KeyExchange::X25519,
                    }),
                    forward_secrecy: match config.forward_secrecy {
                        core::ForwardSecrecy::Offer => protocol::ForwardSecrecy::Offer,
                        core::ForwardSecrecy::Require => protocol::ForwardSecrecy::Require,
                        core::ForwardSecrecy::Omit => protocol::ForwardSecrecy::Omit,
                    },
                };
                api.call_constructor(&mut store, config, secrets, entropy)
            }
            Ingredients::Resumed(state) => api.call_resume(&mut store, state),
        };
        let session = session.unwrap();
        Self { store, instance, session }
    }
}

impl Build for PortableWorld {
    fn call(&mut self, call: &Call) -> Answer {
        let Self { store, instance, session } = self;
        let api = instance.spiped_pipe_protocol().session();
        let output = match call {
            Call::Start => api.call_start(store, *session),
            Call::Compute => api.call_compute(store, *session),
            Call::Crypt(bytes) => api.call_handle_crypt(store, *session, bytes),
            Call::Plain(bytes) => api.call_handle_plain(store, *session, bytes),
            Call::CryptEof => api.call_crypt_eof(store, *session),
            Call::PlainEof => api.call_plain_eof(store, *session),
            Call::PeerSecret => {
                return Answer::PeerSecret(api.call_peer_secret(store, *session).unwrap());
            }
            Call::KeyExchange => {
                let exchange = api.call_key_exchange(store, *session).unwrap();
                return Answer::KeyExchange(exchange.map(|exchange| match exchange {
                    protocol::KeyExchange::Modp2048 => core::KeyExchange::Modp2048,
                    protocol::KeyExchange::X25519 => core::KeyExchange::X25519,
                }));
            }
            Call::Suspend => {
                let state = api.call_suspend(store, *session).unwrap();
                return Answer::State(state.map_err(error));
            }
        };
        let output = output.unwrap();
        Answer::Output {
            to_crypt: output.to_crypt,
            to_plain: output.to_plain,
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
    match failure {
        protocol::Failure::Peer(fault) => peer_fault(fault).into(),
        protocol::Failure::Misuse(fault) => misuse(fault).into(),
        protocol::Failure::Exhausted => core::Error::Exhausted,
    }
}

fn peer_fault(fault: protocol::PeerFault) -> core::PeerFault {
    match fault {
        protocol::PeerFault::WrongKey => core::PeerFault::WrongKey,
        protocol::PeerFault::PublicValueOutOfRange => core::PeerFault::PublicValueOutOfRange,
        protocol::PeerFault::LowOrderPublicValue => core::PeerFault::LowOrderPublicValue,
        protocol::PeerFault::NoForwardSecrecy => core::PeerFault::NoForwardSecrecy,
        protocol::PeerFault::ForgedPacket(number) => core::PeerFault::ForgedPacket { number },
        protocol::PeerFault::BadLength(bad) => {
            core::PeerFault::BadLength { number: bad.packet_number, length: bad.length }
        }
        protocol::PeerFault::DataAfterEnd => core::PeerFault::DataAfterEnd,
        protocol::PeerFault::CutOffInHandshake => core::PeerFault::CutOffInHandshake,
        protocol::PeerFault::CutOffInPacket => core::PeerFault::CutOffInPacket,
        protocol::PeerFault::CutOffBeforeEnd => core::PeerFault::CutOffBeforeEnd,
    }
}

fn misuse(misuse: protocol::Misuse) -> core::Misuse {
    match misuse {
        protocol::Misuse::SecretLength => core::Misuse::SecretLength,
        protocol::Misuse::SecretCount => core::Misuse::SecretCount,
        protocol::Misuse::EntropyLength => core::Misuse::EntropyLength,
        protocol::Misuse::ContradictoryConfig => core::Misuse::ContradictoryConfig,
        protocol::Misuse::StartOrder => core::Misuse::StartOrder,
        protocol::Misuse::NothingToCompute => core::Misuse::NothingToCompute,
        protocol::Misuse::NotEstablished => core::Misuse::NotEstablished,
        protocol::Misuse::AfterEof => core::Misuse::AfterEof,
        protocol::Misuse::Suspended => core::Misuse::Suspended,
        protocol::Misuse::BadState => core::Misuse::BadState,
    }
}
