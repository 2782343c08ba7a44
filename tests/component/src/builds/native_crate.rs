//! The native crate.

use spiped_core::{Entropy, Error, Misuse, Output, Psk, Session, SoftPacketCrypto};

use crate::{Answer, Build, Call, Ingredients};

/// A session of the crate. One that could not be made answers as the
/// component's does.
pub(crate) struct NativeCrate(Result<Session<SoftPacketCrypto>, Error>);

impl NativeCrate {
    pub(crate) fn new(ingredients: &Ingredients) -> Self {
        let session = match ingredients {
            Ingredients::New { config, secrets, entropy } => secrets
                .iter()
                .map(|secret| Psk::from_slice(secret).ok_or(Misuse::SecretLength))
                .collect::<Result<_, _>>()
                .and_then(|psks| {
                    let entropy = Entropy::from_slice(entropy).ok_or(Misuse::EntropyLength)?;
                    Session::new(*config, psks, &entropy)
                }),
            Ingredients::Resumed(state) => Session::resume(state),
        };
        Self(session.map_err(Error::from))
    }
}

impl Build for NativeCrate {
    fn call(&mut self, call: &Call) -> Answer {
        let mut output = Output::default();
        let session = match &mut self.0 {
            Ok(session) => session,
            Err(error) => return refuse(call, *error),
        };
        let result = match call {
            Call::Start => session.start(&mut output),
            Call::Compute => session.compute(&mut output),
            Call::Crypt(bytes) => session.handle_crypt(bytes, &mut output),
            Call::Plain(bytes) => session.handle_plain(bytes, &mut output),
            Call::CryptEof => session.crypt_eof(),
            Call::PlainEof => session.plain_eof(&mut output),
            Call::PeerSecret => return Answer::PeerSecret(session.peer_secret()),
            Call::KeyExchange => return Answer::KeyExchange(session.key_exchange()),
            Call::Suspend => return Answer::State(session.suspend().map(|state| state.to_vec())),
        };
        Answer::Output {
            to_crypt: output.to_crypt,
            to_plain: output.to_plain,
            status: result.and_then(|()| session.status()),
        }
    }
}

fn refuse(call: &Call, error: Error) -> Answer {
    match call {
        Call::PeerSecret => Answer::PeerSecret(None),
        Call::KeyExchange => Answer::KeyExchange(None),
        Call::Suspend => Answer::State(Err(error)),
        Call::Start
        | Call::Compute
        | Call::Crypt(_)
        | Call::Plain(_)
        | Call::CryptEof
        | Call::PlainEof => {
            Answer::Output { to_crypt: vec![], to_plain: vec![], status: Err(error) }
        }
    }
}
