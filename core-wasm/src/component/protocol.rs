//! The interface `protocol`: one [`Session`] behind each resource.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use zeroize::Zeroizing;

use super::Component;
use super::bindings::exports::spiped::pipe::protocol;
use crate::{
    Config, Entropy, Error, ForwardSecrecy, KeyExchange, Misuse, Output, PeerFault, Psk, Session,
    Side, Status,
};

/// What seals and opens packets in this world.
#[cfg(not(feature = "native"))]
type WorldPacketCrypto = crate::SoftPacketCrypto;
#[cfg(feature = "native")]
type WorldPacketCrypto = super::bindings::spiped::pipe::packet_crypto::Direction;

impl protocol::Guest for Component {
    type Session = SessionResource;
}

/// A session behind the shared reference that exported methods get. One that
/// could not be made answers every call with its misuse.
pub(crate) struct SessionResource(RefCell<Result<Session<WorldPacketCrypto>, Error>>);

impl protocol::GuestSession for SessionResource {
    fn new(config: protocol::Config, secrets: Vec<Vec<u8>>, entropy: Vec<u8>) -> Self {
        let session = make_session(config, secrets, entropy);
        Self(RefCell::new(session.map_err(Error::from)))
    }

    fn start(&self) -> protocol::Output {
        self.call(Session::start)
    }

    fn compute(&self) -> protocol::Output {
        self.call(Session::compute)
    }

    fn handle_crypt(&self, bytes: Vec<u8>) -> protocol::Output {
        self.call(|session, out| session.handle_crypt(&bytes, out))
    }

    fn handle_plain(&self, bytes: Vec<u8>) -> protocol::Output {
        self.call(|session, out| session.handle_plain(&bytes, out))
    }

    fn crypt_eof(&self) -> protocol::Output {
        self.call(|session, _| session.crypt_eof())
    }

    fn plain_eof(&self) -> protocol::Output {
        self.call(Session::plain_eof)
    }

    fn peer_secret(&self) -> Option<u32> {
        let session = self.0.borrow();
        session.as_ref().ok()?.peer_secret()
    }

    fn key_exchange(&self) -> Option<protocol::KeyExchange> {
        let session = self.0.borrow();
        session.as_ref().ok()?.key_exchange().map(Into::into)
    }

    fn suspend(&self) -> Result<Vec<u8>, protocol::Failure> {
        let mut session = self.0.borrow_mut();
        let state = match &mut *session {
            Ok(session) => session.suspend(),
            Err(error) => Err(*error),
        };
        // Not a copy: these bytes go to the host. The bindings then free them
        // without wiping, so what is left here goes with the instance.
        state.map(|mut state| mem::take(&mut *state)).map_err(Into::into)
    }

    fn resume(state: Vec<u8>) -> protocol::Session {
        let state = Zeroizing::new(state);
        let session = Session::resume(&state).map_err(Error::from);
        protocol::Session::new(Self(RefCell::new(session)))
    }
}

impl SessionResource {
    fn call(
        &self,
        step: impl FnOnce(&mut Session<WorldPacketCrypto>, &mut Output) -> Result<(), Error>,
    ) -> protocol::Output {
        let mut out = Output::default();
        let status = match &mut *self.0.borrow_mut() {
            Ok(session) => step(session, &mut out).and_then(|()| session.status()),
            Err(error) => Err(*error),
        };
        protocol::Output {
            to_crypt: out.to_crypt,
            to_plain: out.to_plain,
            status: match status {
                Ok(Status::Handshaking) => protocol::Status::Handshaking,
                Ok(Status::Computing) => protocol::Status::Computing,
                Ok(Status::Established) => protocol::Status::Established,
                Err(error) => protocol::Status::Failed(error.into()),
            },
        }
    }
}

fn make_session(
    config: protocol::Config,
    secrets: Vec<Vec<u8>>,
    entropy: Vec<u8>,
) -> Result<Session<WorldPacketCrypto>, Misuse> {
    let config = Config {
        side: match config.side {
            protocol::Side::Client => Side::Client,
            protocol::Side::Server => Side::Server,
        },
        key_exchange: config.key_exchange.map(Into::into),
        forward_secrecy: match config.forward_secrecy {
            protocol::ForwardSecrecy::Offer => ForwardSecrecy::Offer,
            protocol::ForwardSecrecy::Require => ForwardSecrecy::Require,
            protocol::ForwardSecrecy::Omit => ForwardSecrecy::Omit,
        },
    };
    let secrets = secrets.into_iter().map(Zeroizing::new).collect::<Vec<_>>();
    let entropy = Zeroizing::new(entropy);
    let psks = secrets.iter().map(|secret| Psk::from_slice(secret)).collect::<Option<_>>();
    Session::new(
        config,
        psks.ok_or(Misuse::SecretLength)?,
        &Entropy::from_slice(&entropy).ok_or(Misuse::EntropyLength)?,
    )
}

impl From<protocol::KeyExchange> for KeyExchange {
    fn from(exchange: protocol::KeyExchange) -> Self {
        match exchange {
            protocol::KeyExchange::Modp2048 => Self::Modp2048,
            protocol::KeyExchange::X25519 => Self::X25519,
        }
    }
}

impl From<KeyExchange> for protocol::KeyExchange {
    fn from(exchange: KeyExchange) -> Self {
        match exchange {
            KeyExchange::Modp2048 => Self::Modp2048,
            KeyExchange::X25519 => Self::X25519,
        }
    }
}

impl From<Error> for protocol::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Peer(fault) => Self::Peer(fault.into()),
            Error::Misuse(misuse) => Self::Misuse(misuse.into()),
            Error::Exhausted => Self::Exhausted,
        }
    }
}

impl From<PeerFault> for protocol::PeerFault {
    fn from(fault: PeerFault) -> Self {
        match fault {
            PeerFault::WrongKey => Self::WrongKey,
            PeerFault::PublicValueOutOfRange => Self::PublicValueOutOfRange,
            PeerFault::LowOrderPublicValue => Self::LowOrderPublicValue,
            PeerFault::NoForwardSecrecy => Self::NoForwardSecrecy,
            PeerFault::ForgedPacket { number } => Self::ForgedPacket(number),
            PeerFault::BadLength { number, length } => {
                Self::BadLength(protocol::BadLength { packet_number: number, length })
            }
            PeerFault::DataAfterEnd => Self::DataAfterEnd,
            PeerFault::CutOffInHandshake => Self::CutOffInHandshake,
            PeerFault::CutOffInPacket => Self::CutOffInPacket,
            PeerFault::CutOffBeforeEnd => Self::CutOffBeforeEnd,
        }
    }
}

impl From<Misuse> for protocol::Misuse {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::SecretLength => Self::SecretLength,
            Misuse::SecretCount => Self::SecretCount,
            Misuse::EntropyLength => Self::EntropyLength,
            Misuse::ContradictoryConfig => Self::ContradictoryConfig,
            Misuse::StartOrder => Self::StartOrder,
            Misuse::NothingToCompute => Self::NothingToCompute,
            Misuse::NotEstablished => Self::NotEstablished,
            Misuse::AfterEof => Self::AfterEof,
            Misuse::Suspended => Self::Suspended,
            Misuse::BadState => Self::BadState,
        }
    }
}
