//! The session: what every user of the protocol calls.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use zeroize::Zeroizing;

use crate::dh::{EXPONENT_LEN, Exponent, KeyExchange};
use crate::error::{Error, Misuse, PeerFault};
use crate::handshake::{Agreed, Handshake, Local, Step};
use crate::keys::{NONCE_LEN, Psk};
use crate::packet::{End, Opener, Position, Sealer};
use crate::packet_crypto::{PacketCrypto, SoftPacketCrypto};
use crate::secret::Secret;
use crate::suspended::Suspended;

/// Random bytes a session needs: 32 for its nonce, 32 for its exponent.
pub const ENTROPY_LEN: usize = NONCE_LEN + EXPONENT_LEN;

/// Random bytes for one session. Using them twice gives its traffic away.
pub type Entropy = Secret<ENTROPY_LEN>;

/// The end of the wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opens the encrypted connection: `spiped -e`, `spipe`.
    Client,
    /// The end that accepts it: `spiped -d`.
    Server,
}

/// What this end does about forward secrecy. [`KeyExchange::X25519`] always
/// has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardSecrecy {
    /// Do the Diffie-Hellman exchange; accept a peer that omits it.
    Offer,
    /// Do the exchange; refuse a peer whose public value fixes the shared
    /// value (0, 1 or p-1). Upstream's `-g`.
    Require,
    /// Send the public value 1 and compute nothing. Upstream's `-f`. Not with
    /// [`KeyExchange::X25519`].
    Omit,
}

/// How a session is to behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The end this session plays.
    pub side: Side,
    /// The key exchange. `None` means whichever the client chooses, and is for
    /// servers.
    pub key_exchange: Option<KeyExchange>,
    /// What to do about forward secrecy.
    pub forward_secrecy: ForwardSecrecy,
}

/// Where a session stands, unless it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waiting for bytes from the crypt side.
    Handshaking,
    /// A public or a shared value is due: call [`Session::compute`].
    Computing,
    /// Both directions are open.
    Established,
}

/// What calls produce, appended. The caller takes it and writes it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Authentic bytes for the application.
    pub to_plain: Vec<u8>,
}

/// One end of one connection: bytes in, bytes and verdicts out.
///
/// Call [`start`](Self::start) first. While the status is
/// [`Handshaking`](Status::Handshaking) pass what the peer sends to
/// [`handle_crypt`](Self::handle_crypt); while it is
/// [`Computing`](Status::Computing) call [`compute`](Self::compute). Once it
/// is [`Established`](Status::Established), both `handle` calls go, each side
/// until its `eof` call.
///
/// Every call takes its input whole. An error is final and repeats; what the
/// same call appended to the output before it is authentic all the same.
pub struct Session<P = SoftPacketCrypto> {
    state: State<P>,
    /// Crypt-side bytes that came while a value was due.
    surplus: Vec<u8>,
    plain_ended: bool,
    crypt_ended: bool,
}

#[allow(clippy::large_enum_variant, reason = "moved a handful of times per connection")]
enum State<P> {
    Fresh(Local),
    Handshake(Handshake),
    Established(Box<Established<P>>),
    Failed(Error),
}

struct Established<P> {
    sealer: Sealer<P>,
    opener: Opener<P>,
    exchange: KeyExchange,
    /// Index of the PSK the peer holds.
    secret: u32,
}

impl<P: PacketCrypto> Session<P> {
    /// A session that accepts a peer holding one of `psks`.
    ///
    /// # Errors
    /// A client takes exactly one PSK, a server one or more. The configuration
    /// must not contradict itself.
    pub fn new(config: Config, psks: Vec<Psk>, entropy: &Entropy) -> Result<Self, Misuse> {
        let contradictory = match config.key_exchange {
            None => config.side == Side::Client,
            Some(KeyExchange::Modp2048) => false,
            Some(KeyExchange::X25519) => config.forward_secrecy == ForwardSecrecy::Omit,
        };
        if contradictory {
            return Err(Misuse::ContradictoryConfig);
        }
        let acceptable = match config.side {
            Side::Client => psks.len() == 1,
            Side::Server => !psks.is_empty(),
        };
        if !acceptable {
            return Err(Misuse::SecretCount);
        }
        let mut nonce = [0; NONCE_LEN];
        let mut exponent = Zeroizing::new([0; EXPONENT_LEN]);
        let (first, second) = entropy.expose().split_at(NONCE_LEN);
        nonce.copy_from_slice(first);
        exponent.copy_from_slice(second);
        let local = Local {
            side: config.side,
            exchange: config.key_exchange,
            forward_secrecy: config.forward_secrecy,
            psks,
            nonce,
            exponent: Exponent::new(&exponent),
        };
        Ok(Self {
            state: State::Fresh(local),
            surplus: Vec::new(),
            plain_ended: false,
            crypt_ended: false,
        })
    }

    /// Begins: our nonce goes out.
    ///
    /// # Errors
    /// [`Misuse::StartOrder`] when called again.
    pub fn start(&mut self, out: &mut Output) -> Result<(), Error> {
        let result = match self.take_state() {
            State::Fresh(local) => {
                out.to_crypt.extend_from_slice(&local.nonce);
                self.state = State::Handshake(Handshake::begin(local));
                Ok(())
            }
            State::Handshake(_) | State::Established(_) => Err(Misuse::StartOrder.into()),
            State::Failed(error) => Err(error),
        };
        self.settle(result)
    }

    /// Computes the public or the shared value that is due.
    ///
    /// # Errors
    /// [`PeerFault::LowOrderPublicValue`], [`Misuse::NothingToCompute`]; or a peer's fault in bytes, or an end,
    /// that came before.
    pub fn compute(&mut self, out: &mut Output) -> Result<(), Error> {
        let result = match self.take_state() {
            State::Handshake(handshake) if handshake.is_computing() => {
                let step = handshake.compute(&mut out.to_crypt);
                step.map(|step| self.state = step.into()).map_err(Error::from)
            }
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Handshake(_) | State::Established(_) => Err(Misuse::NothingToCompute.into()),
            State::Failed(error) => Err(error),
        };
        self.settle(result)?;
        let surplus = mem::take(&mut self.surplus);
        self.receive(&surplus, out)?;
        self.check_cut_off()
    }

    /// Takes bytes that came from the crypt side.
    ///
    /// # Errors
    /// Any [`PeerFault`] but the cut-offs; [`Misuse::AfterEof`].
    pub fn handle_crypt(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        self.check_crypt_open()?;
        self.receive(bytes, out)
    }

    /// Takes bytes that came from the plain side and seals all of them.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`], [`Misuse::AfterEof`], [`Error::Exhausted`].
    pub fn handle_plain(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        let result = match self.established() {
            Ok(established) => established.sealer.seal(bytes, &mut out.to_crypt),
            Err(error) => Err(error),
        };
        self.settle(result)
    }

    /// The crypt side has ended. While a value is due, the verdict
    /// on that comes after it.
    ///
    /// # Errors
    /// [`PeerFault::CutOffInHandshake`], [`PeerFault::CutOffInPacket`],
    /// [`PeerFault::CutOffBeforeEnd`]; [`Misuse::AfterEof`].
    pub fn crypt_eof(&mut self) -> Result<(), Error> {
        self.check_crypt_open()?;
        self.crypt_ended = true;
        self.check_cut_off()
    }

    /// The plain side has ended. With [`KeyExchange::X25519`] the end mark
    /// goes out; else nothing tells the peer but the end of the stream, which
    /// the host passes on.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`], [`Misuse::AfterEof`], [`Error::Exhausted`].
    pub fn plain_eof(&mut self, out: &mut Output) -> Result<(), Error> {
        let result = match self.established() {
            Ok(established) => match established.exchange {
                KeyExchange::Modp2048 => Ok(()),
                KeyExchange::X25519 => established.sealer.seal_end(&mut out.to_crypt),
            },
            Err(error) => Err(error),
        };
        self.settle(result)?;
        self.plain_ended = true;
        Ok(())
    }

    /// Takes the session's whole state out of it; this session is then over.
    ///
    /// The state holds the packet keys. It is good for one
    /// [`resume`](Self::resume): two sessions from one state would encrypt
    /// different bytes under the same key stream.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`].
    pub fn suspend(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let state = match &self.state {
            State::Established(established) => Ok(Suspended {
                exchange: established.exchange,
                secret: established.secret,
                plain_ended: self.plain_ended,
                crypt_ended: self.crypt_ended,
                sealing: established.sealer.position().clone(),
                opening: established.opener.position().clone(),
                end: established.opener.end(),
                cut: established.opener.cut(),
            }
            .to_bytes()),
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Handshake(_) => Err(Misuse::NotEstablished.into()),
            State::Failed(error) => Err(*error),
        };
        self.state = State::Failed(match &state {
            Ok(_) => Misuse::Suspended.into(),
            Err(error) => *error,
        });
        state
    }

    /// A session that goes on where a suspended one stopped.
    ///
    /// # Errors
    /// [`Misuse::BadState`].
    pub fn resume(state: &[u8]) -> Result<Self, Misuse> {
        let suspended = Suspended::parse(state).ok_or(Misuse::BadState)?;
        let mut opener = Opener::new(suspended.opening, suspended.end);
        // Less than a packet, so nothing can come out yet.
        opener.open(suspended.cut, &mut Vec::new()).map_err(|_| Misuse::BadState)?;
        let sealer = Sealer::new(suspended.sealing);
        Ok(Self {
            state: State::Established(Box::new(Established {
                sealer,
                opener,
                exchange: suspended.exchange,
                secret: suspended.secret,
            })),
            surplus: Vec::new(),
            plain_ended: suspended.plain_ended,
            crypt_ended: suspended.crypt_ended,
        })
    }

    /// Where the session stands.
    ///
    /// # Errors
    /// The failure, if it has failed.
    pub fn status(&self) -> Result<Status, Error> {
        match &self.state {
            State::Handshake(handshake) if handshake.is_computing() => Ok(Status::Computing),
            State::Fresh(_) | State::Handshake(_) => Ok(Status::Handshaking),
            State::Established(_) => Ok(Status::Established),
            State::Failed(error) => Err(*error),
        }
    }

    /// Index of the PSK the peer proved to hold; `None` until it has.
    #[must_use]
    pub fn peer_secret(&self) -> Option<u32> {
        match &self.state {
            State::Handshake(handshake) => handshake.peer_secret(),
            State::Established(established) => Some(established.secret),
            State::Fresh(_) | State::Failed(_) => None,
        }
    }

    /// The key exchange in use: a client's own, a server's once the peer has
    /// proved itself.
    #[must_use]
    pub fn key_exchange(&self) -> Option<KeyExchange> {
        match &self.state {
            State::Fresh(local) if local.side == Side::Client => local.exchange,
            State::Handshake(handshake) => handshake.exchange(),
            State::Established(established) => Some(established.exchange),
            State::Fresh(_) | State::Failed(_) => None,
        }
    }

    fn receive(&mut self, mut bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        loop {
            let result = match &mut self.state {
                State::Established(established) => {
                    established.opener.open(bytes, &mut out.to_plain)
                }
                State::Handshake(handshake) if handshake.is_computing() => {
                    self.surplus.extend_from_slice(bytes);
                    Ok(())
                }
                State::Handshake(_) if bytes.is_empty() => Ok(()),
                State::Handshake(_) => {
                    let step = self.handshake_step(&mut bytes, out);
                    self.settle(step)?;
                    continue;
                }
                State::Fresh(_) => Err(Misuse::StartOrder.into()),
                State::Failed(error) => Err(*error),
            };
            return self.settle(result);
        }
    }

    fn handshake_step(&mut self, bytes: &mut &[u8], out: &mut Output) -> Result<(), Error> {
        if let State::Handshake(handshake) = self.take_state() {
            self.state = handshake.handle(bytes, &mut out.to_crypt)?.into();
        }
        Ok(())
    }

    /// Both directions' packet state, if there is any and the plain side has
    /// not ended.
    fn established(&mut self) -> Result<&mut Established<P>, Error> {
        match &mut self.state {
            State::Established(_) if self.plain_ended => Err(Misuse::AfterEof.into()),
            State::Established(established) => Ok(established),
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Handshake(_) => Err(Misuse::NotEstablished.into()),
            State::Failed(error) => Err(*error),
        }
    }

    fn check_crypt_open(&mut self) -> Result<(), Error> {
        let result = match &self.state {
            State::Failed(error) => Err(*error),
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Handshake(_) | State::Established(_) if self.crypt_ended => {
                Err(Misuse::AfterEof.into())
            }
            State::Handshake(_) | State::Established(_) => Ok(()),
        };
        self.settle(result)
    }

    /// Whether the crypt side has ended and cut something off.
    fn check_cut_off(&mut self) -> Result<(), Error> {
        if !self.crypt_ended {
            return Ok(());
        }
        let result = match &self.state {
            State::Handshake(handshake) if handshake.is_computing() => Ok(()),
            State::Fresh(_) | State::Handshake(_) => Err(PeerFault::CutOffInHandshake.into()),
            State::Established(established) if !established.opener.cut().is_empty() => {
                Err(PeerFault::CutOffInPacket.into())
            }
            State::Established(established) if established.opener.end() == End::Expected => {
                Err(PeerFault::CutOffBeforeEnd.into())
            }
            State::Established(_) => Ok(()),
            State::Failed(error) => Err(*error),
        };
        self.settle(result)
    }

    /// Makes an error this session's last word.
    fn settle(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    /// Takes the state out to consume it; the caller puts the next one in, or
    /// settles on an error.
    fn take_state(&mut self) -> State<P> {
        mem::replace(&mut self.state, State::Failed(Misuse::StartOrder.into()))
    }
}

impl<P: PacketCrypto> From<Step> for State<P> {
    fn from(step: Step) -> Self {
        let Agreed { side, exchange, keys, secret } = match step {
            Step::Next(handshake) => return Self::Handshake(handshake),
            Step::Done(agreed) => agreed,
        };
        let (ours, theirs) = match side {
            Side::Client => (keys.client, keys.server),
            Side::Server => (keys.server, keys.client),
        };
        let sealer = Sealer::new(Position::first(ours));
        let end = match exchange {
            KeyExchange::Modp2048 => End::Unmarked,
            KeyExchange::X25519 => End::Expected,
        };
        let opener = Opener::new(Position::first(theirs), end);
        Self::Established(Box::new(Established { sealer, opener, exchange, secret }))
    }
}
