//! The session: the interface of the protocol.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::config::{ClientConfig, KeyExchange, ServerConfig, Side};
use crate::dh::{EXPONENT_LEN, Exponent};
use crate::error::{Error, Misuse, PeerFault};
use crate::handshake::{Agreed, Handshake, Hello, Step};
use crate::keys::{NONCE_LEN, Nonce, Psk, PskId, psk_id};
use crate::packet::{EndMark, Opener, Position, Sealer};
use crate::packet_crypto::{PACKET_LEN, PacketCrypto, RUN_MAX, SoftPacketCrypto};
use crate::secret::{Secret, wipe_shallow_stack, wipe_stack};
use crate::suspended::Suspended;

/// How many random bytes a client needs: 32 for its nonce, 32 for its exponent.
pub const ENTROPY_LEN: usize = NONCE_LEN + EXPONENT_LEN;

/// A client's random bytes. Using them twice reveals its traffic.
pub type Entropy = Secret<ENTROPY_LEN>;

/// A server's random bytes besides its nonce. Using them and the nonce twice reveals
/// its traffic.
pub type ExponentEntropy = Secret<EXPONENT_LEN>;

/// The state of a session that has not failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waiting for bytes from the crypt side.
    Handshaking,
    /// A public or a shared value has to be computed: call [`Session::compute`].
    WantsCompute,
    /// The handshake is complete: both directions carry data.
    Established,
}

/// The output that calls append. The caller takes it and writes it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Authenticated bytes for the application.
    pub to_plain: Vec<u8>,
}

/// One end of one connection: bytes in, bytes and verdicts out.
///
/// Call [`start`](Self::start) first. While the status is
/// [`Handshaking`](Status::Handshaking) pass what the peer sends to
/// [`handle_crypt`](Self::handle_crypt); while it is
/// [`WantsCompute`](Status::WantsCompute) call [`compute`](Self::compute). Once
/// it is [`Established`](Status::Established), both `handle` calls go, each
/// side until its `eof` call.
///
/// Each call consumes all of its input. An error is final and repeats; output that the
/// same call appended before it is valid.
pub struct Session<P = SoftPacketCrypto> {
    state: Result<State<P>, Error>,
    psk_id: PskId,
    /// Crypt-side bytes that arrived while a value was due; at most a batch.
    surplus: Vec<u8>,
    plain_ended: bool,
    crypt_ended: bool,
}

#[allow(clippy::large_enum_variant, reason = "moved a handful of times per connection")]
enum State<P> {
    Fresh(Fresh<P>),
    Handshake(Handshake),
    Established(Box<Established<P>>),
}

/// Before `start`.
struct Fresh<P> {
    /// The first bytes to send.
    to_crypt: Vec<u8>,
    then: Box<State<P>>,
}

struct Established<P> {
    sealer: Sealer<P>,
    opener: Opener<P>,
    exchange: KeyExchange,
}

impl<P: PacketCrypto> Session<P> {
    /// A client's session with a server that has `psk`.
    ///
    /// # Errors
    /// [`Misuse::BrokenRandomness`].
    pub fn connect(config: ClientConfig, psk: &Psk, entropy: &Entropy) -> Result<Self, Misuse> {
        let mut nonce = [0; NONCE_LEN];
        let (first, second) = entropy.expose().split_at(NONCE_LEN);
        nonce.copy_from_slice(first);
        let exponent = Secret::build(|place| place.copy_from_slice(second));
        check_randomness(&nonce, &exponent)?;
        let handshake = Handshake::connect(config, psk.clone(), nonce, Exponent::new(exponent));
        // protocol.md H-2
        Ok(Self::fresh(psk, nonce.into(), State::Handshake(handshake)))
    }

    /// A server's session with a client that an [`Acceptor`](crate::Acceptor) has
    /// authenticated under `psk`; the acceptor's verdict is verified again. `our_nonce`
    /// was sent by the caller, and `hello` is the client's answer.
    ///
    /// # Errors
    /// [`Misuse::HelloLength`], [`Misuse::BrokenRandomness`]; or any
    /// [`PeerFault`] of a key share, of a peer that has the key and breaks the
    /// rules.
    pub fn accept(
        config: ServerConfig,
        our_nonce: &Nonce,
        hello: &[u8],
        psk: &Psk,
        entropy: &ExponentEntropy,
    ) -> Result<Self, Error> {
        // protocol.md A-8
        check_randomness(our_nonce, entropy)?;
        let mut accepted = config.key_exchanges().iter();
        let hello = accepted.find_map(|&exchange| Hello::new(exchange, our_nonce, hello));
        let hello = hello.ok_or(Misuse::HelloLength)?;
        let exponent = Exponent::new(entropy.clone());
        let mut to_crypt = Vec::new();
        let step = Handshake::accept(config, &hello, psk.clone(), exponent, &mut to_crypt);
        wipe_shallow_stack();
        Ok(Self::fresh(psk, to_crypt, step?.into()))
    }

    /// Begins the handshake: our first bytes are sent.
    ///
    /// # Errors
    /// [`Misuse::StartOrder`] when called again.
    pub fn start(&mut self, out: &mut Output) -> Result<(), Error> {
        self.advance(|state| match state {
            State::Fresh(Fresh { to_crypt, then }) => {
                out.to_crypt.extend_from_slice(&to_crypt);
                Ok(*then)
            }
            State::Handshake(_) | State::Established(_) => Err(Misuse::StartOrder.into()),
        })
    }

    /// Computes the public or the shared value that is due.
    ///
    /// # Errors
    /// [`PeerFault::LowOrderPublicValue`], [`PeerFault::Reflected`],
    /// [`Misuse::NothingToCompute`]; or a peer's fault in bytes, or an end,
    /// that came before.
    pub fn compute(&mut self, out: &mut Output) -> Result<(), Error> {
        let result = self.compute_due(out);
        wipe_stack();
        result?;
        let surplus = mem::take(&mut self.surplus);
        self.receive(&surplus, out)?;
        self.check_truncated()
    }

    /// Consumes bytes from the crypt side.
    ///
    /// # Errors
    /// Any [`PeerFault`] but the truncations; [`Misuse::AfterEof`],
    /// [`Misuse::ComputeFirst`].
    pub fn handle_crypt(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        self.check_crypt_open()?;
        self.receive(bytes, out)
    }

    /// Consumes bytes from the plain side and seals all of them.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`], [`Misuse::AfterEof`], [`Error::Exhausted`].
    pub fn handle_plain(&mut self, bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        let established = self.established();
        let result =
            established.and_then(|established| established.sealer.seal(bytes, &mut out.to_crypt));
        self.settle(result)
    }

    /// The crypt side has ended. While a value is due, the verdict on this comes after
    /// it is computed.
    ///
    /// # Errors
    /// [`PeerFault::TruncatedInHandshake`], [`PeerFault::TruncatedInPacket`],
    /// [`PeerFault::TruncatedBeforeEndMark`]; [`Misuse::AfterEof`].
    pub fn crypt_eof(&mut self) -> Result<(), Error> {
        self.check_crypt_open()?;
        self.crypt_ended = true;
        self.check_truncated()
    }

    /// The plain side has ended. With [`KeyExchange::X25519`], the end mark is sent;
    /// otherwise only the end of the stream, which the host passes on, tells the peer.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`], [`Misuse::AfterEof`], [`Error::Exhausted`].
    pub fn plain_eof(&mut self, out: &mut Output) -> Result<(), Error> {
        let established = self.established();
        let result = established.and_then(|established| match established.exchange {
            KeyExchange::Modp2048 => Ok(()),
            // protocol.md E-1
            KeyExchange::X25519 => established.sealer.seal_end_mark(&mut out.to_crypt),
        });
        self.settle(result)?;
        self.plain_ended = true;
        Ok(())
    }

    /// Moves the complete state out of the session, which is then over.
    ///
    /// The state contains the packet keys. Use it for one [`resume`](Self::resume): two
    /// sessions from one state would encrypt different bytes under the same key stream.
    ///
    /// # Errors
    /// [`Misuse::NotEstablished`].
    pub fn suspend(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let state = match &self.state {
            Ok(State::Established(established)) => Ok(Suspended {
                exchange: established.exchange,
                psk_id: self.psk_id,
                plain_ended: self.plain_ended,
                crypt_ended: self.crypt_ended,
                sealing: established.sealer.position().clone(),
                opening: established.opener.position().clone(),
                end_mark: established.opener.end_mark(),
                partial: established.opener.partial(),
            }
            .to_bytes()),
            Ok(State::Fresh(_)) => Err(Misuse::StartOrder.into()),
            Ok(State::Handshake(_)) => Err(Misuse::NotEstablished.into()),
            Err(error) => Err(*error),
        };
        // protocol.md S-3
        self.state = Err(match &state {
            Ok(_) => Misuse::Suspended.into(),
            Err(error) => *error,
        });
        wipe_shallow_stack();
        state
    }

    /// A session that continues where a suspended one stopped.
    ///
    /// # Errors
    /// [`Misuse::BadState`].
    pub fn resume(state: &[u8]) -> Result<Self, Misuse> {
        let suspended = Suspended::parse(state).ok_or(Misuse::BadState)?;
        let mut opener = Opener::new(suspended.opening, suspended.end_mark);
        // Less than a packet, so there is no output yet.
        opener.open(suspended.partial, &mut Vec::new()).map_err(|_| Misuse::BadState)?;
        let sealer = Sealer::new(suspended.sealing);
        wipe_shallow_stack();
        let established = Established { sealer, opener, exchange: suspended.exchange };
        Ok(Self {
            state: Ok(State::Established(Box::new(established))),
            psk_id: suspended.psk_id,
            surplus: Vec::new(),
            plain_ended: suspended.plain_ended,
            crypt_ended: suspended.crypt_ended,
        })
    }

    /// The state of the session.
    ///
    /// # Errors
    /// The failure, if it has failed.
    pub fn status(&self) -> Result<Status, Error> {
        match &self.state {
            Ok(State::Handshake(handshake)) if handshake.wants_compute() => {
                Ok(Status::WantsCompute)
            }
            Ok(State::Fresh(_) | State::Handshake(_)) => Ok(Status::Handshaking),
            Ok(State::Established(_)) => Ok(Status::Established),
            Err(error) => Err(*error),
        }
    }

    /// Identifies the PSK that the session was made with; `None` after it has failed or
    /// was suspended.
    #[must_use]
    pub fn psk_id(&self) -> Option<PskId> {
        self.state.is_ok().then_some(self.psk_id)
    }

    fn fresh(psk: &Psk, to_crypt: Vec<u8>, then: State<P>) -> Self {
        Self {
            state: Ok(State::Fresh(Fresh { to_crypt, then: Box::new(then) })),
            psk_id: psk_id(psk),
            surplus: Vec::new(),
            plain_ended: false,
            crypt_ended: false,
        }
    }

    /// Not inlined, so that everything it leaves on the stack is below its caller:
    /// inlined into an exported call, its frame once was not among what is wiped.
    #[inline(never)]
    fn compute_due(&mut self, out: &mut Output) -> Result<(), Error> {
        self.advance(|state| match state {
            State::Handshake(handshake) if handshake.wants_compute() => {
                Ok(handshake.compute(&mut out.to_crypt)?.into())
            }
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Handshake(_) | State::Established(_) => Err(Misuse::NothingToCompute.into()),
        })
    }

    fn receive(&mut self, mut bytes: &[u8], out: &mut Output) -> Result<(), Error> {
        // Bytes that one state leaves belong to the next: protocol.md H-7.
        loop {
            let result = match &mut self.state {
                Ok(State::Established(established)) => {
                    established.opener.open(bytes, &mut out.to_plain)
                }
                Ok(State::Handshake(handshake)) if handshake.wants_compute() => self.keep(bytes),
                Ok(State::Handshake(_)) if bytes.is_empty() => Ok(()),
                Ok(State::Handshake(_)) => {
                    self.advance(|state| match state {
                        State::Handshake(handshake) => {
                            Ok(handshake.handle(&mut bytes, &mut out.to_crypt)?.into())
                        }
                        State::Fresh(_) | State::Established(_) => Ok(state),
                    })?;
                    continue;
                }
                Ok(State::Fresh(_)) => Err(Misuse::StartOrder.into()),
                Err(error) => Err(*error),
            };
            return self.settle(result);
        }
    }

    /// Keeps bytes that arrived too early.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.surplus.len() + bytes.len() > SURPLUS_MAX {
            return Err(Misuse::ComputeFirst.into());
        }
        self.surplus.extend_from_slice(bytes);
        Ok(())
    }

    /// The packet state of both directions, if the session is established and the plain
    /// side has not ended. Nothing else seals or opens: protocol.md H-5.
    fn established(&mut self) -> Result<&mut Established<P>, Error> {
        match &mut self.state {
            Ok(State::Established(_)) if self.plain_ended => Err(Misuse::AfterEof.into()),
            Ok(State::Established(established)) => Ok(established),
            Ok(State::Fresh(_)) => Err(Misuse::StartOrder.into()),
            Ok(State::Handshake(_)) => Err(Misuse::NotEstablished.into()),
            Err(error) => Err(*error),
        }
    }

    fn check_crypt_open(&mut self) -> Result<(), Error> {
        let result = match &self.state {
            Ok(State::Fresh(_)) => Err(Misuse::StartOrder.into()),
            Ok(State::Handshake(_) | State::Established(_)) if self.crypt_ended => {
                Err(Misuse::AfterEof.into())
            }
            Ok(State::Handshake(_) | State::Established(_)) => Ok(()),
            Err(error) => Err(*error),
        };
        self.settle(result)
    }

    /// Fails if the crypt side has ended where it must not: protocol.md H-8, E-6, E-7.
    fn check_truncated(&mut self) -> Result<(), Error> {
        if !self.crypt_ended {
            return Ok(());
        }
        let result = match &self.state {
            Ok(State::Handshake(handshake)) if handshake.wants_compute() => Ok(()),
            Ok(State::Fresh(_) | State::Handshake(_)) => {
                Err(PeerFault::TruncatedInHandshake.into())
            }
            Ok(State::Established(established)) => {
                if !established.opener.partial().is_empty() {
                    Err(PeerFault::TruncatedInPacket.into())
                } else if established.opener.end_mark() == EndMark::Expected {
                    Err(PeerFault::TruncatedBeforeEndMark.into())
                } else {
                    Ok(())
                }
            }
            Err(error) => Err(*error),
        };
        self.settle(result)
    }

    /// Replaces the state by what `step` makes of it, or by its error.
    fn advance(
        &mut self,
        step: impl FnOnce(State<P>) -> Result<State<P>, Error>,
    ) -> Result<(), Error> {
        let state = mem::replace(&mut self.state, Err(Misuse::StartOrder.into()));
        self.state = state.and_then(step);
        self.state.as_ref().map(|_| ()).map_err(|error| *error)
    }

    /// Makes an error final: protocol.md F-3.
    fn settle(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(error) = result {
            self.state = Err(error);
        }
        result
    }
}

impl<P: PacketCrypto> From<Step> for State<P> {
    fn from(step: Step) -> Self {
        let Agreed { side, exchange, keys } = match step {
            Step::Next(handshake) => return Self::Handshake(handshake),
            Step::Done(agreed) => agreed,
        };
        let (ours, theirs) = match side {
            Side::Client => (keys.client, keys.server),
            Side::Server => (keys.server, keys.client),
        };
        let sealer = Sealer::new(Position::first(ours));
        let end_mark = match exchange {
            KeyExchange::Modp2048 => EndMark::Unused,
            KeyExchange::X25519 => EndMark::Expected,
        };
        let opener = Opener::new(Position::first(theirs), end_mark);
        Self::Established(Box::new(Established { sealer, opener, exchange }))
    }
}

/// How many bytes are kept while a value is due: a batch of packets.
const SURPLUS_MAX: usize = RUN_MAX * PACKET_LEN;

/// Fails if the random bytes show that the generator is broken: the nonce and the
/// exponent are equal, as they are if all 64 bytes are. An exponent of 32 equal bytes
/// proves nothing: the specification's vectors have such. protocol.md R-2.
fn check_randomness(nonce: &Nonce, exponent: &Secret<EXPONENT_LEN>) -> Result<(), Misuse> {
    if bool::from(nonce.ct_eq(exponent.expose())) { Err(Misuse::BrokenRandomness) } else { Ok(()) }
}
