//! The interface `pairing`: one [`Exchange`] behind each resource.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use zeroize::Zeroizing;

use super::Component;
use super::bindings::exports::spiped::pipe::pairing;
use super::types::secret;
use crate::pairing::{Error, Exchange, Misuse, PeerFault, Status};

impl pairing::Guest for Component {
    type Exchange = ExchangeResource;
}

/// An exchange behind the shared reference that exported methods get.
pub(crate) struct ExchangeResource(RefCell<Exchange>);

impl pairing::GuestExchange for ExchangeResource {
    fn new(
        side: pairing::Side,
        code: Option<String>,
        entropy: Vec<u8>,
    ) -> Result<Self, pairing::Misuse> {
        let (code, entropy) = (code.map(Zeroizing::new), secret(entropy));
        let entropy = entropy.ok_or(Misuse::EntropyLength)?;
        let code = code.as_ref().map(|code| code.as_str());
        Ok(Self(RefCell::new(Exchange::new(side.into(), code, &entropy)?)))
    }

    fn start(&self) -> Result<pairing::Output, pairing::Failure> {
        self.call(Exchange::start)
    }

    fn receive(&self, bytes: Vec<u8>) -> Result<pairing::Output, pairing::Failure> {
        self.call(|exchange, out| exchange.receive(&bytes, out))
    }

    fn confirm(&self) -> Result<pairing::Output, pairing::Failure> {
        self.call(Exchange::confirm)
    }

    fn reject(&self) -> Result<(), pairing::Failure> {
        Ok(self.0.borrow_mut().reject()?)
    }

    fn eof(&self) -> Result<(), pairing::Failure> {
        Ok(self.0.borrow_mut().eof()?)
    }

    fn take_key(&self) -> Result<Vec<u8>, pairing::Failure> {
        Ok(self.0.borrow_mut().take_key()?.expose().to_vec())
    }
}

impl ExchangeResource {
    /// The output of a failed call is discarded: it must not be sent.
    fn call(
        &self,
        step: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<pairing::Output, pairing::Failure> {
        let mut to_peer = Vec::new();
        let mut exchange = self.0.borrow_mut();
        step(&mut exchange, &mut to_peer)?;
        let status = match exchange.status()? {
            Status::Waiting => pairing::Status::Waiting,
            Status::Exchanging => pairing::Status::Exchanging,
            Status::Comparing(string) => pairing::Status::Comparing(string),
            Status::Confirmed => pairing::Status::Confirmed,
            Status::Agreed => pairing::Status::Agreed,
        };
        Ok(pairing::Output { to_peer, status })
    }
}

impl From<Error> for pairing::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Peer(fault) => Self::Peer(fault.into()),
            Error::Misuse(misuse) => Self::Misuse(misuse.into()),
            Error::Rejected => Self::Rejected,
        }
    }
}

impl From<PeerFault> for pairing::PeerFault {
    fn from(fault: PeerFault) -> Self {
        match fault {
            PeerFault::NotPairing => Self::NotPairing,
            PeerFault::SameSide => Self::SameSide,
            PeerFault::OtherMode => Self::OtherMode,
            PeerFault::BadCommitment => Self::BadCommitment,
            PeerFault::BadPublicValue => Self::BadPublicValue,
            PeerFault::WrongConfirmation => Self::WrongConfirmation,
            PeerFault::Surplus => Self::Surplus,
            PeerFault::Truncated => Self::Truncated,
        }
    }
}

impl From<Misuse> for pairing::Misuse {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::CodeLength => Self::CodeLength,
            Misuse::CodeCharacters => Self::CodeCharacters,
            Misuse::EntropyLength => Self::EntropyLength,
            Misuse::BrokenRandomness => Self::BrokenRandomness,
            Misuse::StartOrder => Self::StartOrder,
            Misuse::NothingToConfirm => Self::NothingToConfirm,
            Misuse::NoKey => Self::NoKey,
            Misuse::AfterEof => Self::AfterEof,
        }
    }
}
