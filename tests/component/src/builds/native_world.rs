//! The `native` world, as the daemon runs it.

use spiped::guest::{
    AcceptorGuest, Engine, Failure, Greeting, GuestError, Output, SessionGuest, Status,
};
use spiped::keys::file::Psk;

use super::generated::{client_config, server_config};
use crate::resource::{Made, words};
use crate::{Acceptor, Answer, Build, Call, Ingredients, Resource, Session};

/// The production host.
pub(super) struct NativeWorld(Engine);

impl NativeWorld {
    pub(super) fn load(instances: u32) -> Self {
        Self(Engine::new(instances).unwrap())
    }

    /// `None` if one of the lengths is not one of the host's types'.
    fn make_guest(&self, ingredients: &Ingredients) -> Option<Result<Resource, GuestError>> {
        let engine = &self.0;
        let session = match ingredients {
            Ingredients::Acceptor { config, psks, our_nonce } => {
                let psks = psks.iter().map(|psk| self::psk(psk)).collect::<Option<Vec<_>>>()?;
                let _: &[u8; 32] = our_nonce.as_slice().try_into().ok()?;
                let search = AcceptorGuest::search_of(&psks);
                let acceptor = AcceptorGuest::new(engine, server_config(*config), &psks, &search);
                return Some(acceptor.map(|acceptor| Resource::Acceptor {
                    acceptor: Box::new(acceptor),
                    our_nonce: our_nonce.clone(),
                    received: Vec::new(),
                }));
            }
            Ingredients::Connect { config, psk, entropy } => {
                let (psk, entropy) = (self::psk(psk)?, entropy.as_slice().try_into().ok()?);
                SessionGuest::connect_with(engine, client_config(*config), &psk, entropy)
            }
            Ingredients::Accept { config, our_nonce, hello, psk, entropy } => {
                let (psk, entropy) = (self::psk(psk)?, entropy.as_slice().try_into().ok()?);
                let greeting = Greeting { our_nonce: our_nonce.as_slice().try_into().ok()?, hello };
                let config = server_config(*config);
                SessionGuest::accept_with(engine, config, greeting, &psk, entropy)
            }
            Ingredients::Resume { state } => SessionGuest::resume(engine, state),
        };
        Some(session.map(|session| Resource::Session(Box::new(session))))
    }
}

fn psk(psk: &[u8]) -> Option<Psk> {
    psk.try_into().ok().map(Psk::copy_of)
}

impl Build for NativeWorld {
    fn make(&self, ingredients: &Ingredients) -> Option<Made> {
        let made = self.make_guest(ingredients)?;
        Some(made.map_err(|error| match error {
            GuestError::Failed(failure) => failed(&failure),
            GuestError::Entropy(_) | GuestError::Instance(_) => panic!("{error}"),
        }))
    }
}

fn failed(failure: &Failure) -> Answer {
    match failure {
        Failure::Protocol(failure) => Answer::failed(failure),
        Failure::Guest(reason) => panic!("a broken guest is no part of a conversation: {reason}"),
    }
}

impl Acceptor for AcceptorGuest {
    fn identify(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        let our_nonce = our_nonce.try_into().unwrap();
        match AcceptorGuest::identify(self, our_nonce, received) {
            Ok(verdict) => Answer::of(&verdict),
            Err(failure) => failed(&failure),
        }
    }

    fn fault_at_eof(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        let our_nonce = our_nonce.try_into().unwrap();
        match AcceptorGuest::fault_at_eof(self, our_nonce, received) {
            Ok(fault) => Answer::fault(&fault),
            Err(failure) => failed(&failure),
        }
    }
}

impl Session for SessionGuest {
    fn call(&mut self, call: &Call) -> Answer {
        let mut out = Output::default();
        let status = match call {
            Call::Start => self.start(&mut out),
            Call::Compute => self.compute(&mut out),
            Call::Crypt(bytes) => self.handle_crypt(bytes, &mut out),
            Call::Plain(bytes) => self.handle_plain(bytes, &mut out),
            Call::CryptEof => self.crypt_eof(&mut out),
            Call::PlainEof => self.plain_eof(&mut out),
            Call::PskId => return Answer::psk_id(self.psk_id().map(|id| id.to_vec())),
            Call::Suspend => {
                return match self.suspend() {
                    Ok(state) => Answer::state(Ok::<_, Failure>(state.to_vec())),
                    Err(failure) => failed(&failure),
                };
            }
            Call::Identify(_) | Call::FaultAtEof => unreachable!("a call of an acceptor"),
        };
        let words = match &status {
            Status::Failed(failure) => failed(failure).words,
            status @ (Status::Handshaking | Status::WantsCompute | Status::Established) => {
                words(status)
            }
        };
        let Output { to_crypt, to_plain } = out;
        Answer { to_crypt, to_plain, words, bytes: None }
    }
}
