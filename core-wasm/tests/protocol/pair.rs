//! Ends to talk to each other.

use spiped_core::{
    Acceptor, ClientConfig, Entropy, Error, ExponentEntropy, ForwardSecrecy, KeyExchange, Nonce,
    Output, Psk, ServerConfig, Session, Status, Verdict,
};

/// A session with all that it has produced so far.
pub(crate) struct Party {
    pub(crate) session: Session,
    pub(crate) out: Output,
}

/// A server that does not know who is there.
pub(crate) struct Server {
    pub(crate) acceptor: Acceptor,
    pub(crate) nonce: Nonce,
    config: ServerConfig,
    psks: Vec<Psk>,
    entropy: ExponentEntropy,
}

impl Party {
    /// A started session.
    pub(crate) fn of(session: Session) -> Self {
        let mut end = Self { session, out: Output::default() };
        end.session.start(&mut end.out).unwrap();
        end
    }

    /// A client that has computed its public value.
    pub(crate) fn connect(config: ClientConfig, psk: &Psk) -> Self {
        Self::connect_with(config, psk, &entropy(1))
    }

    /// The same with these random bytes.
    pub(crate) fn connect_with(config: ClientConfig, psk: &Psk, entropy: &Entropy) -> Self {
        let mut end = Self::of(Session::connect(config, psk, entropy).unwrap());
        end.compute().unwrap();
        end
    }

    /// As programs without further options.
    pub(crate) fn client() -> Self {
        Self::connect(ClientConfig::Modp2048(ForwardSecrecy::Offer), &psk(7))
    }

    /// Computes whatever is due.
    pub(crate) fn compute(&mut self) -> Result<(), Error> {
        while self.session.status()? == Status::WantsCompute {
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

    /// Ends the plain side, and returns what tells the peer.
    pub(crate) fn plain_eof(&mut self) -> Vec<u8> {
        self.session.plain_eof(&mut self.out).unwrap();
        self.take_crypt()
    }

    pub(crate) fn take_crypt(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.to_crypt)
    }

    pub(crate) fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.to_plain)
    }

    /// All that a client says before it has an answer.
    pub(crate) fn hello(&mut self, server: &Server) -> Vec<u8> {
        self.receive(&server.nonce).unwrap();
        self.take_crypt()
    }
}

impl Server {
    pub(crate) fn new(config: ServerConfig, psks: Vec<Psk>) -> Self {
        let acceptor = Acceptor::new(config, &psks).unwrap();
        Self { acceptor, nonce: [2; 32], config, psks, entropy: ExponentEntropy::copy_of(&[3; 32]) }
    }

    /// As programs without further options.
    pub(crate) fn any() -> Self {
        Self::new(ServerConfig::Any(ForwardSecrecy::Offer), vec![psk(7)])
    }

    pub(crate) fn with_randomness(self, nonce: Nonce, entropy: ExponentEntropy) -> Self {
        Self { nonce, entropy, ..self }
    }

    pub(crate) fn identify(&self, received: &[u8]) -> Verdict {
        self.acceptor.identify(&self.nonce, received)
    }

    /// A started session with whoever has sent this, which has computed
    /// nothing.
    pub(crate) fn accept(&self, received: &[u8]) -> Result<Party, Error> {
        let client = match self.identify(received) {
            Verdict::Authenticated(client) => client,
            Verdict::Refused(fault) => return Err(fault.into()),
            Verdict::More(more) => panic!("{more} bytes are missing"),
        };
        let psk = &self.psks[usize::try_from(client.psk_index).unwrap()];
        let (hello, rest) = received.split_at(client.hello_len.try_into().unwrap());
        let session = Session::accept(self.config, &self.nonce, hello, psk, &self.entropy)?;
        let mut end = Party::of(session);
        end.session.handle_crypt(rest, &mut end.out)?;
        Ok(end)
    }

    /// The same, and what is due is computed.
    pub(crate) fn answer(&self, received: &[u8]) -> Result<Party, Error> {
        let mut end = self.accept(received)?;
        end.compute()?;
        Ok(end)
    }
}

/// Runs the handshake to its end; returns the server's session.
pub(crate) fn shake_hands(client: &mut Party, server: &Server) -> Result<Party, Error> {
    client.receive(&server.nonce)?;
    let mut session = server.answer(&client.take_crypt())?;
    client.receive(&session.take_crypt())?;
    Ok(session)
}

/// An established client and server.
pub(crate) fn established() -> (Party, Party) {
    established_by(KeyExchange::Modp2048)
}

/// The same by either key exchange.
pub(crate) fn established_by(exchange: KeyExchange) -> (Party, Party) {
    let mut client = Party::connect(choice(exchange), &psk(7));
    let server = shake_hands(&mut client, &Server::any()).unwrap();
    (client, server)
}

/// A client's.
pub(crate) fn choice(exchange: KeyExchange) -> ClientConfig {
    match exchange {
        KeyExchange::Modp2048 => ClientConfig::Modp2048(ForwardSecrecy::Offer),
        KeyExchange::X25519 => ClientConfig::X25519,
    }
}

pub(crate) fn psk(byte: u8) -> Psk {
    Psk::copy_of(&[byte; 32])
}

/// Nonce and exponent.
pub(crate) fn entropy(seed: u8) -> Entropy {
    Entropy::build(|bytes| {
        bytes.fill(seed);
        bytes[32..].fill(!seed);
    })
}
