//! The interface `session`: one [`Session`] behind each resource.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use zeroize::Zeroizing;

use super::Component;
use super::acceptor::nonce;
use super::bindings::exports::spiped::pipe::session;
use super::types::{psk, secret};
use crate::{Error, Misuse, Output, Session, Status};

/// The packet cryptography of this world.
#[cfg(not(feature = "native"))]
type WorldPacketCrypto = crate::ParallelPacketCrypto;
#[cfg(feature = "native")]
type WorldPacketCrypto = super::bindings::spiped::pipe::packet_crypto::Direction;

impl session::Guest for Component {
    type Session = SessionResource;
}

/// A session behind the shared reference that exported methods get.
pub(crate) struct SessionResource(RefCell<Session<WorldPacketCrypto>>);

impl session::GuestSession for SessionResource {
    fn connect(
        config: session::ClientConfig,
        psk: Vec<u8>,
        entropy: Vec<u8>,
    ) -> Result<session::Session, session::Misuse> {
        let (psk, entropy) = (self::psk(psk), secret(entropy));
        let entropy = entropy.ok_or(Misuse::EntropyLength)?;
        Ok(resource(Session::connect(config.into(), &psk?, &entropy)?))
    }

    fn accept(
        config: session::ServerConfig,
        our_nonce: Vec<u8>,
        hello: Vec<u8>,
        psk: Vec<u8>,
        entropy: Vec<u8>,
    ) -> Result<session::Session, session::Failure> {
        let make = |psk: Result<_, _>, entropy: Option<_>| {
            let entropy = entropy.ok_or(Misuse::EntropyLength)?;
            Session::accept(config.into(), nonce(&our_nonce)?, &hello, &psk?, &entropy)
        };
        // Both are converted, and so wiped, even if one of them is invalid.
        Ok(resource(make(self::psk(psk), secret(entropy))?))
    }

    fn resume(state: Vec<u8>) -> Result<session::Session, session::Misuse> {
        Ok(resource(Session::resume(&Zeroizing::new(state))?))
    }

    fn start(&self) -> session::Output {
        self.call(Session::start)
    }

    fn compute(&self) -> session::Output {
        self.call(Session::compute)
    }

    fn handle_crypt(&self, bytes: Vec<u8>) -> session::Output {
        self.call(|session, out| session.handle_crypt(&bytes, out))
    }

    fn handle_plain(&self, bytes: Vec<u8>) -> session::Output {
        self.call(|session, out| session.handle_plain(&bytes, out))
    }

    fn crypt_eof(&self) -> session::Output {
        self.call(|session, _| session.crypt_eof())
    }

    fn plain_eof(&self) -> session::Output {
        self.call(Session::plain_eof)
    }

    fn suspend(&self) -> Result<Vec<u8>, session::Failure> {
        // Moved, not copied: these bytes go to the host. The bindings then free them
        // without wiping, so what remains here is wiped with the instance.
        Ok(mem::take(&mut *self.0.borrow_mut().suspend()?))
    }

    fn psk_id(&self) -> Option<Vec<u8>> {
        self.0.borrow().psk_id().map(Vec::from)
    }
}

impl SessionResource {
    fn call(
        &self,
        step: impl FnOnce(&mut Session<WorldPacketCrypto>, &mut Output) -> Result<(), Error>,
    ) -> session::Output {
        let mut out = Output::default();
        let mut session = self.0.borrow_mut();
        let status = step(&mut session, &mut out).and_then(|()| session.status());
        session::Output {
            to_crypt: out.to_crypt,
            to_plain: out.to_plain,
            status: match status {
                Ok(Status::Handshaking) => session::Status::Handshaking,
                Ok(Status::WantsCompute) => session::Status::WantsCompute,
                Ok(Status::Established) => session::Status::Established,
                Err(error) => session::Status::Failed(error.into()),
            },
        }
    }
}

fn resource(session: Session<WorldPacketCrypto>) -> session::Session {
    session::Session::new(SessionResource(RefCell::new(session)))
}
