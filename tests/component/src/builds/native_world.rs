//! The `native` world, as the daemon runs it.

use spiped::guest::{
    Config, Engine, Failure, ForwardSecrecy, Guest, KeyExchange, Misuse, PeerFault, Side, Status,
};
use spiped::keyfile::Psk;
use spiped_core as core;

use crate::{Answer, Build, Call, Ingredients};

pub(crate) struct NativeWorld(Guest);

impl NativeWorld {
    /// `None` if the host cannot even say this: its types have the right
    /// lengths of secrets and entropy.
    pub(crate) fn new(engine: &Engine, ingredients: &Ingredients) -> Option<Self> {
        let guest = match ingredients {
            Ingredients::New { config, secrets, entropy } => {
                let secrets = secrets
                    .iter()
                    .map(|secret| secret.as_slice().try_into().ok().map(Psk::copy_of))
                    .collect::<Option<Vec<_>>>()?;
                let entropy = entropy.as_slice().try_into().ok()?;
                let config = Config {
                    side: match config.side {
                        core::Side::Client => Side::Client,
                        core::Side::Server => Side::Server,
                    },
                    key_exchange: config.key_exchange.map(|exchange| match exchange {
                        core::KeyExchange::Modp2048 => KeyExchange::Modp2048,
                        core::KeyExchange::X25519 => KeyExchange::X25519,
                    }),
                    forward_secrecy: match config.forward_secrecy {
                        core::ForwardSecrecy::Offer => ForwardSecrecy::Offer,
                        core::ForwardSecrecy::Require => ForwardSecrecy::Require,
                        core::ForwardSecrecy::Omit => ForwardSecrecy::Omit,
                    },
                };
                Guest::with_entropy(engine, config, &secrets, entropy)
            }
            Ingredients::Resumed(state) => Guest::resume(engine, state),
        };
        Some(Self(guest.unwrap()))
    }
}

impl Build for NativeWorld {
    fn call(&mut self, call: &Call) -> Answer {
        let guest = &mut self.0;
        let output = match call {
            Call::Start => guest.start(),
            Call::Compute => guest.compute(),
            Call::Crypt(bytes) => guest.handle_crypt(bytes),
            Call::Plain(bytes) => guest.handle_plain(bytes),
            Call::CryptEof => guest.crypt_eof(),
            Call::PlainEof => guest.plain_eof(),
            Call::PeerSecret => return Answer::PeerSecret(guest.peer_secret()),
            Call::KeyExchange => {
                let exchange = guest.key_exchange();
                return Answer::KeyExchange(exchange.map(|exchange| match exchange {
                    KeyExchange::Modp2048 => core::KeyExchange::Modp2048,
                    KeyExchange::X25519 => core::KeyExchange::X25519,
                }));
            }
            Call::Suspend => {
                let state = guest.suspend().map(|state| state.to_vec());
                return Answer::State(state.map_err(|failure| error(&failure)));
            }
        };
        Answer::Output {
            to_crypt: output.to_crypt,
            to_plain: output.to_plain,
            status: match output.status {
                Status::Handshaking => Ok(core::Status::Handshaking),
                Status::Computing => Ok(core::Status::Computing),
                Status::Established => Ok(core::Status::Established),
                Status::Failed(failure) => Err(error(&failure)),
            },
        }
    }
}

fn error(failure: &Failure) -> core::Error {
    match failure {
        Failure::Peer(fault) => peer_fault(*fault).into(),
        Failure::Misuse(fault) => misuse(*fault).into(),
        Failure::Exhausted => core::Error::Exhausted,
        Failure::Guest(reason) => panic!("a broken guest is no part of a conversation: {reason}"),
    }
}

fn peer_fault(fault: PeerFault) -> core::PeerFault {
    match fault {
        PeerFault::WrongKey => core::PeerFault::WrongKey,
        PeerFault::PublicValueOutOfRange => core::PeerFault::PublicValueOutOfRange,
        PeerFault::LowOrderPublicValue => core::PeerFault::LowOrderPublicValue,
        PeerFault::NoForwardSecrecy => core::PeerFault::NoForwardSecrecy,
        PeerFault::ForgedPacket(number) => core::PeerFault::ForgedPacket { number },
        PeerFault::BadLength { packet, length } => {
            core::PeerFault::BadLength { number: packet, length }
        }
        PeerFault::DataAfterEnd => core::PeerFault::DataAfterEnd,
        PeerFault::CutOffInHandshake => core::PeerFault::CutOffInHandshake,
        PeerFault::CutOffInPacket => core::PeerFault::CutOffInPacket,
        PeerFault::CutOffBeforeEnd => core::PeerFault::CutOffBeforeEnd,
    }
}

fn misuse(misuse: Misuse) -> core::Misuse {
    match misuse {
        Misuse::SecretLength => core::Misuse::SecretLength,
        Misuse::SecretCount => core::Misuse::SecretCount,
        Misuse::EntropyLength => core::Misuse::EntropyLength,
        Misuse::ContradictoryConfig => core::Misuse::ContradictoryConfig,
        Misuse::StartOrder => core::Misuse::StartOrder,
        Misuse::NothingToCompute => core::Misuse::NothingToCompute,
        Misuse::NotEstablished => core::Misuse::NotEstablished,
        Misuse::AfterEof => core::Misuse::AfterEof,
        Misuse::Suspended => core::Misuse::Suspended,
        Misuse::BadState => core::Misuse::BadState,
    }
}
