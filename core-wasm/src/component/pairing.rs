//! The interface `pairing`: one [`Exchange`] behind each resource.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use zeroize::Zeroizing;

use super::Component;
use super::bindings::exports::spiped::pipe::pairing;
use crate::Side;
use crate::pairing::{Entropy, Error, Exchange, Misuse, PeerFault, Status};

impl pairing::Guest for Component {
    type Exchange = ExchangeResource;
}

/// An exchange behind the shared reference that exported methods get. One that
/// could not be made answers every call with its misuse.
pub(crate) struct ExchangeResource(RefCell<Result<Exchange, Error>>);

impl pairing::GuestExchange for ExchangeResource {
    fn new(side: pairing::Side, code: Option<String>, entropy: Vec<u8>) -> Self {
        let code = code.map(Zeroizing::new);
        let entropy = Zeroizing::new(entropy);
        let side = match side {
            pairing::Side::Client => Side::Client,
            pairing::Side::Server => Side::Server,
        };
        let exchange =
            Entropy::from_slice(&entropy).ok_or(Misuse::EntropyLength).and_then(|entropy| {
                Exchange::new(side, code.as_ref().map(|code| code.as_str()), &entropy)
            });
        Self(RefCell::new(exchange.map_err(Error::from)))
    }

    fn start(&self) -> pairing::Output {
        self.call(Exchange::start)
    }

    fn receive(&self, bytes: Vec<u8>) -> pairing::Output {
        self.call(|exchange, out| exchange.receive(&bytes, out))
    }

    fn confirm(&self) -> pairing::Output {
        self.call(Exchange::confirm)
    }

    fn eof(&self) -> pairing::Output {
        self.call(|exchange, _| exchange.eof())
    }
}

impl ExchangeResource {
    fn call(
        &self,
        step: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> Result<(), Error>,
    ) -> pairing::Output {
        let mut to_peer = Vec::new();
        let status = match &mut *self.0.borrow_mut() {
            Ok(exchange) => step(exchange, &mut to_peer).and_then(|()| exchange.status()),
            Err(error) => Err(*error),
        };
        pairing::Output {
            to_peer,
            status: match status {
                Ok(Status::Waiting) => pairing::Status::Waiting,
                Ok(Status::Exchanging) => pairing::Status::Exchanging,
                Ok(Status::Comparing(string)) => pairing::Status::Comparing(string),
                Ok(Status::Confirmed) => pairing::Status::Confirmed,
                Ok(Status::Agreed(key)) => pairing::Status::Agreed(key.expose().to_vec()),
                Err(error) => pairing::Status::Failed(error.into()),
            },
        }
    }
}

impl From<Error> for pairing::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Peer(fault) => Self::Peer(fault.into()),
            Error::Misuse(misuse) => Self::Misuse(misuse.into()),
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
            PeerFault::CutOff => Self::CutOff,
        }
    }
}

impl From<Misuse> for pairing::Misuse {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::CodeLength => Self::CodeLength,
            Misuse::EntropyLength => Self::EntropyLength,
            Misuse::StartOrder => Self::StartOrder,
            Misuse::NothingToConfirm => Self::NothingToConfirm,
            Misuse::AfterEof => Self::AfterEof,
        }
    }
}
