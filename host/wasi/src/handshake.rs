//! From two open streams to a session that is established.

use alloc::vec::Vec;

use wasip2::random::random::get_random_bytes;
use zeroize::Zeroizing;

use crate::bindings::{Output, Session, Status, types};
use crate::keys::Psk;
use crate::net::Duplex;
use crate::settings::{Connecting, KeyExchange, Strength};
use crate::words::Fault;

/// A session, and what the peer has said with the end of the handshake.
pub(crate) struct Established {
    pub(crate) session: Session,
    pub(crate) first: Vec<u8>,
}

/// A client's handshake. The caller limits the time.
pub(crate) async fn connect(
    config: types::ClientConfig,
    psk: &Psk,
    crypt: &mut Duplex,
) -> Result<Established, Fault> {
    let entropy = Zeroizing::new(get_random_bytes(64));
    let session = Session::connect(config, &***psk, &entropy);
    let session = session.map_err(|misuse| Fault::Protocol(types::Failure::Misuse(misuse)))?;
    establish(session, &[], crypt).await
}

/// The handshake of a new session. `received` has come already.
pub(crate) async fn establish(
    session: Session,
    received: &[u8],
    crypt: &mut Duplex,
) -> Result<Established, Fault> {
    let mut first = Vec::new();
    let mut received = Some(received).filter(|received| !received.is_empty());
    let mut output = session.start();
    loop {
        let Output { to_crypt, mut to_plain, status } = output;
        crypt.writer.write(&to_crypt).await.map_err(Fault::Crypt)?;
        first.append(&mut to_plain);
        output = match status {
            Status::WantsCompute => session.compute(),
            Status::Failed(failure) => return Err(Fault::Protocol(failure)),
            Status::Established if received.is_none() => {
                return Ok(Established { session, first });
            }
            Status::Handshaking | Status::Established => match received.take() {
                Some(bytes) => session.handle_crypt(bytes),
                None => match crypt.reader.read(PIECE).await.map_err(Fault::Crypt)? {
                    Some(bytes) => session.handle_crypt(&bytes),
                    None => session.crypt_eof(),
                },
            },
        };
    }
}

/// What a client does.
pub(crate) fn client_config(settings: &Connecting) -> types::ClientConfig {
    match settings.key_exchange {
        Some(KeyExchange::X25519) => types::ClientConfig::X25519,
        Some(KeyExchange::Modp2048) | None => {
            types::ClientConfig::Modp2048(strength(settings.strength))
        }
    }
}

/// What a server accepts.
pub(crate) fn server_config(settings: &Connecting) -> types::ServerConfig {
    let strength = strength(settings.strength);
    match settings.key_exchange {
        Some(KeyExchange::X25519) => types::ServerConfig::X25519,
        Some(KeyExchange::Modp2048) => types::ServerConfig::Modp2048(strength),
        None => types::ServerConfig::Any(strength),
    }
}

fn strength(strength: Strength) -> types::ForwardSecrecy {
    match strength {
        Strength::Offer => types::ForwardSecrecy::Offer,
        Strength::Require => types::ForwardSecrecy::Require,
        Strength::Omit => types::ForwardSecrecy::Omit,
    }
}

/// Some packets: what comes with the end of the handshake is kept.
const PIECE: usize = 4096;
