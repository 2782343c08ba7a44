//! The `native` world, as the daemon runs it.

use spiped::guest::{Engine, Failure, ForwardSecrecy, Guest, PeerFault, Side, Status};
use spiped::keyfile::KeyFile;
use spiped_core as core;

use crate::{Answer, Build, Call, Ingredients};

pub(crate) struct Hosted(Guest);

impl Hosted {
    pub(crate) fn new(engine: &Engine, ingredients: Ingredients<'_>) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ingredients.key_file).unwrap();
        let psk = KeyFile::Path(file.path().to_owned()).read().unwrap();
        let side = match ingredients.config.side {
            core::Side::Client => Side::Client,
            core::Side::Server => Side::Server,
        };
        let forward_secrecy = match ingredients.config.forward_secrecy {
            core::ForwardSecrecy::Offer => ForwardSecrecy::Offer,
            core::ForwardSecrecy::Require => ForwardSecrecy::Require,
            core::ForwardSecrecy::Omit => ForwardSecrecy::Omit,
        };
        let guest = Guest::with_entropy(engine, side, forward_secrecy, &psk, &ingredients.entropy);
        Self(guest.unwrap())
    }
}

impl Build for Hosted {
    fn call(&mut self, call: Call<'_>) -> Answer {
        let guest = &mut self.0;
        let output = match call {
            Call::Start => guest.start(),
            Call::Compute => guest.compute(),
            Call::Crypt(bytes) => guest.handle_crypt(bytes),
            Call::Plain(bytes) => guest.handle_plain(bytes),
            Call::CryptEof => guest.crypt_eof(),
            Call::PlainEof => guest.plain_eof(),
        };
        Answer {
            output: core::Output { to_crypt: output.to_crypt, to_plain: output.to_plain },
            status: match output.status {
                Status::Handshaking => Ok(core::Status::Handshaking),
                Status::Computing => Ok(core::Status::Computing),
                Status::Established => Ok(core::Status::Established),
                Status::Failed(failure) => Err(error(&failure)),
            },
        }
    }
}

/// A failure that only a broken guest or a wrong call can cause is no part of
/// a conversation.
fn error(failure: &Failure) -> core::Error {
    let Failure::Peer(fault) = failure else { panic!("not the peer's fault: {failure}") };
    core::Error::Peer(match *fault {
        PeerFault::WrongKey => core::PeerFault::WrongKey,
        PeerFault::PublicValueOutOfRange => core::PeerFault::PublicValueOutOfRange,
        PeerFault::NoForwardSecrecy => core::PeerFault::NoForwardSecrecy,
        PeerFault::ForgedPacket(number) => core::PeerFault::ForgedPacket { number },
        PeerFault::BadLength { packet, length } => {
            core::PeerFault::BadLength { number: packet, length }
        }
        PeerFault::CutOffInHandshake => core::PeerFault::CutOffInHandshake,
        PeerFault::CutOffInPacket => core::PeerFault::CutOffInPacket,
    })
}
