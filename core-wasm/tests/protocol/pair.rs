//! Sessions to talk to each other, and a transcript of what they said.

use spiped_core::{
    Config, Entropy, Error, ForwardSecrecy, KeyExchange, Output, Psk, Session, Side,
    SoftPacketCrypto, Status,
};

/// A session with all that it has produced so far.
pub(crate) struct End {
    pub(crate) session: Session<SoftPacketCrypto>,
    pub(crate) out: Output,
}

impl End {
    /// A started session that accepts `psks`.
    pub(crate) fn with(
        side: Side,
        forward_secrecy: ForwardSecrecy,
        psks: Vec<Psk>,
        entropy: &Entropy,
    ) -> Self {
        Self::of(config(side, forward_secrecy), psks, entropy)
    }

    /// The same with any configuration.
    pub(crate) fn of(config: Config, psks: Vec<Psk>, entropy: &Entropy) -> Self {
        let session = Session::new(config, psks, entropy).unwrap();
        let mut end = Self { session, out: Output::default() };
        end.session.start(&mut end.out).unwrap();
        end
    }

    /// A started session whose nonce and exponent follow from its side.
    pub(crate) fn new(side: Side, forward_secrecy: ForwardSecrecy) -> Self {
        Self::with(side, forward_secrecy, vec![psk(7)], &entropy(side))
    }

    /// The same; a client uses this key exchange, a server accepts both.
    pub(crate) fn with_exchange(side: Side, exchange: KeyExchange) -> Self {
        let config = Config {
            side,
            key_exchange: (side == Side::Client).then_some(exchange),
            forward_secrecy: ForwardSecrecy::Offer,
        };
        Self::of(config, vec![psk(7)], &entropy(side))
    }

    pub(crate) fn client() -> Self {
        Self::new(Side::Client, ForwardSecrecy::Offer)
    }

    pub(crate) fn server() -> Self {
        Self::new(Side::Server, ForwardSecrecy::Offer)
    }

    /// Computes whatever is due.
    pub(crate) fn compute(&mut self) -> Result<(), Error> {
        while self.session.status()? == Status::Computing {
            self.session.compute(&mut self.out)?;
        }
        Ok(())
    }

    /// Takes bytes from the peer, and computes whatever is due after them.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.session.handle_crypt(bytes, &mut self.out)?;
        self.compute()
    }

    /// Seals, and returns the packets.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        self.session.handle_plain(plain, &mut self.out).unwrap();
        self.take_crypt()
    }

    pub(crate) fn take_crypt(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.to_crypt)
    }

    pub(crate) fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.to_plain)
    }
}

/// Runs the handshake between two started sessions to its end.
pub(crate) fn shake_hands(client: &mut End, server: &mut End) -> Result<(), Error> {
    client.compute()?;
    while client.session.status()? != Status::Established
        || server.session.status()? != Status::Established
    {
        server.receive(&client.take_crypt())?;
        client.receive(&server.take_crypt())?;
    }
    Ok(())
}

/// An established client and server.
pub(crate) fn established() -> (End, End) {
    established_by(KeyExchange::Modp2048)
}

/// The same by either key exchange.
pub(crate) fn established_by(exchange: KeyExchange) -> (End, End) {
    let [mut client, mut server] =
        [Side::Client, Side::Server].map(|side| End::with_exchange(side, exchange));
    shake_hands(&mut client, &mut server).unwrap();
    (client, server)
}

/// As programs without further options: a client does what every spiped
/// understands, a server leaves it to its clients.
pub(crate) fn config(side: Side, forward_secrecy: ForwardSecrecy) -> Config {
    let key_exchange = (side == Side::Client).then_some(KeyExchange::Modp2048);
    Config { side, key_exchange, forward_secrecy }
}

pub(crate) fn psk(byte: u8) -> Psk {
    Psk::new([byte; 32])
}

pub(crate) fn entropy(side: Side) -> Entropy {
    Entropy::new(match side {
        Side::Client => [1; 64],
        Side::Server => [2; 64],
    })
}
