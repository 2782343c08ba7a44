//! Ends to be fuzzed, each always with the same keys and random bytes.

use arbitrary::{Arbitrary, Unstructured};
use spiped_core::{
    Acceptor, ClientConfig, Entropy, Error, ExponentEntropy, ForwardSecrecy, Nonce, Output,
    PACKET_LEN, PacketCrypto, Psk, ServerConfig, Session, Side, Status, Verdict,
};

/// What a fuzzer chooses for an end. A server leaves the key exchange to its
/// client, unless this says X25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Choice {
    Omit,
    Offer,
    Require,
    X25519,
}

/// An exponentiation takes as long as a hundred conversations without one;
/// X25519 as long as ten.
impl<'a> Arbitrary<'a> for Choice {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u8::arbitrary(bytes)? {
            0..180 => Self::Omit,
            180..240 => Self::X25519,
            240..248 => Self::Offer,
            248.. => Self::Require,
        })
    }

    fn size_hint(depth: usize) -> (usize, Option<usize>) {
        u8::size_hint(depth)
    }
}

impl Choice {
    pub(crate) fn client(self) -> ClientConfig {
        match self {
            Self::Omit => ClientConfig::Modp2048(ForwardSecrecy::Omit),
            Self::Offer => ClientConfig::Modp2048(ForwardSecrecy::Offer),
            Self::Require => ClientConfig::Modp2048(ForwardSecrecy::Require),
            Self::X25519 => ClientConfig::X25519,
        }
    }

    pub(crate) fn server(self) -> ServerConfig {
        match self {
            Self::Omit => ServerConfig::Any(ForwardSecrecy::Omit),
            Self::Offer => ServerConfig::Any(ForwardSecrecy::Offer),
            Self::Require => ServerConfig::Any(ForwardSecrecy::Require),
            Self::X25519 => ServerConfig::X25519,
        }
    }

    /// Whether a client of this choice and a server of that one agree.
    pub(crate) fn agrees_with(self, server: Self) -> bool {
        self == Self::X25519
            || server != Self::X25519
                && ![(Self::Omit, Self::Require), (Self::Require, Self::Omit)]
                    .contains(&(self, server))
    }
}

/// What every server sends first.
pub(crate) const NONCE: Nonce = [2; 32];

/// The keys that every server accepts, and the one that every client has.
pub(crate) fn psks() -> [Psk; 2] {
    [Psk::copy_of(&[6; 32]), psk()]
}

pub(crate) fn psk() -> Psk {
    Psk::copy_of(&[7; 32])
}

/// A client that has not started.
pub(crate) fn client<P: PacketCrypto>(choice: Choice, psk: &Psk) -> Session<P> {
    let entropy = Entropy::build(|bytes| {
        bytes.fill(1);
        bytes[32..].fill(3);
    });
    Session::connect(choice.client(), psk, &entropy).expect("bytes that differ")
}

/// A server's session with the client that has sent this hello.
pub(crate) fn accept<P: PacketCrypto>(choice: Choice, hello: &[u8]) -> Result<Session<P>, Error> {
    accept_as(choice.server(), hello, &psk())
}

/// The same with anything.
pub(crate) fn accept_as<P: PacketCrypto>(
    config: ServerConfig,
    hello: &[u8],
    psk: &Psk,
) -> Result<Session<P>, Error> {
    let entropy = ExponentEntropy::copy_of(&[4; 32]);
    Session::accept(config, &NONCE, hello, psk, &entropy)
}

/// How many bytes a host passes in at once.
const BATCH: usize = 64 * PACKET_LEN;

/// Either end, as a host runs it.
pub(crate) struct Party<P> {
    choice: Choice,
    stage: Stage<P>,
}

#[allow(clippy::large_enum_variant, reason = "one at a time")]
enum Stage<P> {
    /// A server, and what has come from its stranger.
    Stranger(Acceptor, Vec<u8>),
    Session(Session<P>),
    /// The stranger was refused.
    Over(Error),
}

impl<P: PacketCrypto> Party<P> {
    pub(crate) fn new(side: Side, choice: Choice) -> Self {
        let stage = match side {
            Side::Client => Stage::Session(client(choice, &psk())),
            Side::Server => {
                let acceptor = Acceptor::new(choice.server(), &psks()).expect("two keys");
                Stage::Stranger(acceptor, Vec::new())
            }
        };
        Self { choice, stage }
    }

    /// What goes out first.
    pub(crate) fn start(&mut self, out: &mut Output) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Session(session) => session.start(out)?,
            Stage::Stranger(..) | Stage::Over(_) => out.to_crypt.extend_from_slice(&NONCE),
        }
        self.compute(out)
    }

    /// Takes bytes, and computes what is due after each batch of them: before that, a
    /// session keeps no more.
    pub(crate) fn receive(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        let (batch, later) = bytes.split_at(bytes.len().min(BATCH));
        self.receive_batch(batch, out)?;
        if later.is_empty() { Ok(()) } else { self.receive(later, out) }
    }

    fn receive_batch(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Session(session) => session.handle_crypt(bytes, out)?,
            Stage::Over(error) => return Err(*error),
            Stage::Stranger(acceptor, received) => {
                received.extend_from_slice(bytes);
                let verdict = acceptor.identify(&NONCE, received);
                let received = std::mem::take(received);
                self.judge(verdict, received, out)?;
            }
        }
        self.compute(out)
    }

    fn judge(&mut self, verdict: Verdict, bytes: Vec<u8>, out: &mut Output) -> Result<(), Error> {
        let made = match verdict {
            Verdict::More(_) => {
                if let Stage::Stranger(_, received) = &mut self.stage {
                    *received = bytes;
                }
                return Ok(());
            }
            Verdict::Refused(fault) => Err(fault.into()),
            Verdict::Authenticated(client) => {
                let (hello, rest) = bytes.split_at(client.hello_len as usize);
                accept(self.choice, hello).and_then(|mut session| {
                    session.start(out)?;
                    session.handle_crypt(rest, out)?;
                    Ok(session)
                })
            }
        };
        let result = made.as_ref().map(|_| ()).map_err(|error| *error);
        self.stage = made.map_or_else(Stage::Over, Stage::Session);
        result
    }

    /// The peer has ended.
    pub(crate) fn crypt_eof(&mut self) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Session(session) => session.crypt_eof(),
            Stage::Over(error) => Err(*error),
            Stage::Stranger(acceptor, received) => {
                let fault = acceptor.fault_at_eof(&NONCE, received);
                self.stage = Stage::Over(fault.into());
                Err(fault.into())
            }
        }
    }

    fn compute(&mut self, out: &mut Output) -> Result<(), Error> {
        self.session().map_or(Ok(()), |session| compute(session, out))
    }

    pub(crate) fn session(&mut self) -> Option<&mut Session<P>> {
        match &mut self.stage {
            Stage::Session(session) => Some(session),
            Stage::Stranger(..) | Stage::Over(_) => None,
        }
    }

    /// The session, once it is established and as long as nothing is wrong.
    pub(crate) fn established(&mut self) -> Option<&mut Session<P>> {
        self.session().filter(|session| session.status() == Ok(Status::Established))
    }
}

/// Computes whatever is due.
pub(crate) fn compute<P: PacketCrypto>(
    session: &mut Session<P>,
    out: &mut Output,
) -> Result<(), Error> {
    while session.status()? == Status::WantsCompute {
        session.compute(out)?;
    }
    Ok(())
}

/// The other side.
pub(crate) fn opposite(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}
