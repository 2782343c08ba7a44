//! The native crate.

use spiped_core::{
    Acceptor, Entropy, Error, ExponentEntropy, Misuse, Nonce, Output, Psk, Session, SoftKeySearch,
    SoftPacketCrypto,
};

use crate::resource::{Made, failed, words};
use crate::{Answer, Build, Call, Ingredients, Resource, resource};

/// The crate. What its types rule out is answered as the component does.
pub(crate) struct NativeCrate;

impl Build for NativeCrate {
    fn make(&self, ingredients: &Ingredients) -> Option<Made> {
        Some(make(ingredients).map_err(|error| Answer::failed(&error)))
    }
}

fn make(ingredients: &Ingredients) -> Result<Resource, Error> {
    let session: Session = match ingredients {
        Ingredients::Acceptor { config, psks, our_nonce } => {
            let psks = psks.iter().map(|psk| self::psk(psk)).collect::<Result<Vec<_>, _>>()?;
            let acceptor: Acceptor = Acceptor::new(*config, &psks)?;
            return Ok(Resource::Acceptor {
                acceptor: Box::new(acceptor),
                our_nonce: our_nonce.clone(),
                received: Vec::new(),
            });
        }
        Ingredients::Connect { config, psk, entropy } => {
            let psk = self::psk(psk)?;
            let entropy = Entropy::from_slice(entropy).ok_or(Misuse::EntropyLength)?;
            Session::connect(*config, &psk, &entropy)?
        }
        Ingredients::Accept { config, our_nonce, hello, psk, entropy } => {
            let psk = self::psk(psk)?;
            let our_nonce = nonce(our_nonce)?;
            let entropy = ExponentEntropy::from_slice(entropy).ok_or(Misuse::EntropyLength)?;
            Session::accept(*config, &our_nonce, hello, &psk, &entropy)?
        }
        Ingredients::Resume { state } => Session::resume(state)?,
    };
    Ok(Resource::Session(Box::new(session)))
}

fn psk(psk: &[u8]) -> Result<Psk, Misuse> {
    Psk::from_slice(psk).ok_or(Misuse::PskLength)
}

fn nonce(nonce: &[u8]) -> Result<Nonce, Misuse> {
    nonce.try_into().map_err(|_| Misuse::NonceLength)
}

impl resource::Acceptor for Acceptor<SoftKeySearch> {
    fn identify(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        match nonce(our_nonce) {
            Ok(our_nonce) => Answer::of(&Acceptor::identify(self, &our_nonce, received)),
            Err(misuse) => Answer::failed(&Error::from(misuse)),
        }
    }

    fn fault_at_eof(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer {
        match nonce(our_nonce) {
            Ok(our_nonce) => Answer::fault(&Acceptor::fault_at_eof(self, &our_nonce, received)),
            Err(misuse) => Answer::failed(&Error::from(misuse)),
        }
    }
}

impl resource::Session for Session<SoftPacketCrypto> {
    fn call(&mut self, call: &Call) -> Answer {
        let mut output = Output::default();
        let result = match call {
            Call::Start => self.start(&mut output),
            Call::Compute => self.compute(&mut output),
            Call::Crypt(bytes) => self.handle_crypt(bytes, &mut output),
            Call::Plain(bytes) => self.handle_plain(bytes, &mut output),
            Call::CryptEof => self.crypt_eof(),
            Call::PlainEof => self.plain_eof(&mut output),
            Call::PskId => return Answer::psk_id(self.psk_id().map(|id| id.to_vec())),
            Call::Suspend => return Answer::state(self.suspend().map(|state| state.to_vec())),
            Call::Identify(_) | Call::FaultAtEof => unreachable!("a call of an acceptor"),
        };
        let status = match result.and_then(|()| self.status()) {
            Ok(status) => words(&status),
            Err(error) => failed(&error),
        };
        Answer { to_crypt: output.to_crypt, to_plain: output.to_plain, words: status, bytes: None }
    }
}
