//! The native crate.

use sha2::{Digest, Sha256};
use spiped_core::{Entropy, Output, Psk, Session, SoftPacketCrypto};

use crate::{Answer, Build, Call, Ingredients};

pub(crate) struct CrateSession(Session<SoftPacketCrypto>);

impl CrateSession {
    pub(crate) fn new(ingredients: Ingredients<'_>) -> Self {
        let psk = Psk::new(Sha256::digest(ingredients.key_file).into());
        let entropy = Entropy::new(ingredients.entropy);
        Self(Session::new(ingredients.config, vec![psk], &entropy).unwrap())
    }
}

impl Build for CrateSession {
    fn call(&mut self, call: Call<'_>) -> Answer {
        let (session, mut output) = (&mut self.0, Output::default());
        let result = match call {
            Call::Start => session.start(&mut output),
            Call::Compute => session.compute(&mut output),
            Call::Crypt(bytes) => session.handle_crypt(bytes, &mut output),
            Call::Plain(bytes) => session.handle_plain(bytes, &mut output),
            Call::CryptEof => session.crypt_eof(),
            Call::PlainEof => session.plain_eof(),
        };
        Answer { output, status: result.and_then(|()| session.status()) }
    }
}
