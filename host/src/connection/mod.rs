//! One connection, from the accepted socket to its end.

pub(crate) mod acceptors;
pub(crate) mod arriving;
mod bell;
mod buffer;
pub(crate) mod closing;
mod direction;
pub(crate) mod foreign;
pub mod handshake;
pub(crate) mod heard;
mod hints;
mod inactivity;
pub mod live;
pub(crate) mod moving;
pub mod outcome;
pub mod place;
pub mod relay;
pub mod slots;
mod snapshot;
pub(crate) mod stranger;
pub(crate) mod tally;

pub use snapshot::{Side, Snapshot};

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::time::{timeout, timeout_at};
use tokio::{select, try_join};

use crate::connection::acceptors::Acceptors;
use crate::connection::handshake::{Established, Handshake, HandshakeError, TimeLimit};
use crate::connection::heard::Overheard;
use crate::connection::live::{Live, Stage};
use crate::connection::outcome::Outcome;
use crate::connection::place::Place;
use crate::connection::relay::{Broken, Limits, relay};
use crate::connection::slots::Slot;
use crate::connection::stranger::Peer;
use crate::connection::tally::{Tally, Traffic};
use crate::guest::{ClientConfig, Failure, KeyExchange, SessionGuest, Sleeper};
use crate::keys::Key;
use crate::net::proxy::{self, Ends};
use crate::net::socket::{Socket, hang_up};
use crate::net::stream::Stream;

impl Snapshot {
    /// Serves one accepted connection, which has this place until it has
    /// authenticated. Others see it as `live`; a target that is told who connects is
    /// told these ends.
    pub async fn serve(
        self: Arc<Self>,
        source: Socket,
        ends: Option<Ends>,
        place: Place,
        live: Arc<Live>,
    ) -> Ended {
        let mut tally = self.tally(live.clone());
        let served = async {
            match &self.side {
                Side::Client(config) => {
                    let from = place.source();
                    Box::pin(self.encrypt(*config, source, from, &mut tally)).await
                }
                Side::Server(acceptors) => {
                    self.decrypt(acceptors, source, ends, place, &mut tally).await
                }
            }
        };
        let result = select! {
            // The order to end first: a connection whose key was revoked moves no further
            // batch.
            biased;
            why = live.told_to_end() => Err(Outcome::told(why, &live)),
            result = served => result,
        };
        ending(result.unwrap_or_else(|outcome| outcome), &tally)
    }

    /// The source is the plain side and the target the crypt side. Nothing is read from the
    /// source before its bytes can be sealed.
    async fn encrypt(
        &self,
        config: ClientConfig,
        source: Socket,
        from: u64,
        tally: &mut Tally,
    ) -> Result<Outcome, Outcome> {
        self.begin(&source);
        // In a box of its own, which is freed when the handshake ends.
        let (target, established) = Box::pin(self.open(config, from, tally)).await?;
        let outcome = self.copy(established, &target, &source, tally).await;
        Ok(settle(outcome, &target, &source))
    }

    /// The source is the crypt side and the target the plain side. The part of the future
    /// that a stranger does not need is in a box, which is made once it has authenticated.
    async fn decrypt(
        &self,
        acceptors: &Acceptors,
        mut source: Socket,
        ends: Option<Ends>,
        mut place: Place,
        tally: &mut Tally,
    ) -> Result<Outcome, Outcome> {
        // protocol.md F-2. Until we answer, FIN is unambiguous: the client knows that it
        // was refused. Afterwards only RST is: the client has established the connection
        // and could take a FIN for the end of an empty but complete one. Every refusal
        // before our answer has to look the same: a revoked key that was reset, while a
        // wrong one was closed, told an observer which of the two it was.
        let time = TimeLimit::start(self.time_limit);
        // protocol.md A-9: neither a target nor a session before the verdict.
        let peer = stranger::identify(&mut source, acceptors, time, &mut place).await;
        let peer = peer.and_then(|peer| self.admit_key(&peer, tally).map(|()| peer));
        let peer = peer.inspect_err(|_| hang_up(&source))?;
        tally.reached(Stage::Authenticated);
        let from = Origin { turn: place.source(), ends };
        // The slot first: once the stranger's place is free, the next stranger is accepted
        // if there is a slot. In the other order, one would be accepted for whom there is
        // none.
        let slot = self.slots.try_take();
        drop(place);
        let serve = self.serve_peer(acceptors, peer, (slot, time), source, from, tally);
        Box::pin(serve).await
    }

    /// Serves a peer that has authenticated with a key that may have another
    /// connection.
    async fn serve_peer(
        &self,
        acceptors: &Acceptors,
        peer: Peer,
        (slot, time): (Option<Slot>, TimeLimit),
        mut source: Socket,
        from: Origin,
        tally: &mut Tally,
    ) -> Result<Outcome, Outcome> {
        let taken = self.take_slot(slot, time).await;
        let (slot, time) = taken.inspect_err(|_| hang_up(&source))?;
        let proxied = self.proxy_to.map(|version| proxy::header(version, from.ends));
        self.begin(&source);
        let guest = self.accept(acceptors, &peer)?;
        self.check_forward_secrecy(tally.key(), peer.greeting().hello, peer.key_exchange);
        let handshake = Handshake::begin(guest, peer.key_exchange, &self.compute, from.turn);
        let admitted =
            Box::pin(self.admit(handshake, &peer, time, &mut source, proxied, tally)).await;
        drop(peer);
        let (target, established) = admitted?;
        let outcome = self.copy(established, &source, &target, tally).await;
        slot.after(&outcome);
        Ok(settle(outcome, &source, &target))
    }

    /// A slot of `-n`. If none was free, the peer waits for one, and its time limit starts
    /// again when it has one.
    async fn take_slot(
        &self,
        slot: Option<Slot>,
        time: TimeLimit,
    ) -> Result<(Slot, TimeLimit), Outcome> {
        let taken = if let Some(slot) = slot {
            (slot, time)
        } else {
            let wait = TimeLimit::start(self.time_limit);
            let slot = timeout_at(wait.deadline(), self.slots.take()).await;
            let slot = slot.map_err(|_| Outcome::NoSlot(self.slots.limit()))?;
            (slot, TimeLimit::start(self.time_limit))
        };
        self.report_if_full();
        Ok(taken)
    }

    /// Logs it if all slots are taken.
    pub fn report_if_full(&self) {
        if self.slots.are_taken() {
            self.observe.limit_reached(self.slots.limit());
        }
    }

    /// Makes the session of a peer that has authenticated. The session gets the peer's key
    /// and no other: protocol.md A-8.
    fn accept(&self, acceptors: &Acceptors, peer: &Peer) -> Result<Box<SessionGuest>, Outcome> {
        let psk = peer.keys.select(peer.psk_index).ok_or_else(named_no_key)?;
        let config = acceptors.config();
        let guest = SessionGuest::accept(&self.engine, config, peer.greeting(), &psk)?;
        Ok(Box::new(guest))
    }

    /// Completes the handshake, and dials the target in parallel.
    async fn admit(
        &self,
        handshake: Handshake,
        peer: &Peer,
        time: TimeLimit,
        source: &mut Socket,
        proxied: Option<Vec<u8>>,
        tally: &Tally,
    ) -> Result<(Socket, Established), Outcome> {
        let finish = async {
            let finished = time.hold(handshake.finish(peer.early(), source)).await??;
            self.counters.handshakes.took(tally.age());
            Ok::<_, Outcome>(finished)
        };
        // A target that cannot be reached must not end the handshake early: to the peer
        // this would look like a wrong key.
        let dial = async { Ok(self.dial(proxied).await) };
        let (established, target) = try_join!(finish, dial)?;
        // The key may have been revoked in the time this took.
        if tally.key().is_some_and(Key::is_revoked) {
            return Err(Outcome::RevokedKey);
        }
        Ok((target?, established))
    }

    /// Checks that the peer's key is still in use and may have another connection. Takes
    /// the same time for every key: the peer has not been answered yet, and the time
    /// until our answer must not reveal which key it has. (The key's account knows
    /// whether it is revoked; searching the keys in use would stop at the match.)
    fn admit_key(&self, peer: &Peer, tally: &mut Tally) -> Result<(), Outcome> {
        let key = peer.keys.keys().get(peer.psk_index).ok_or_else(named_no_key)?;
        if key.is_revoked() {
            tally.assign(key, None);
            return Err(Outcome::RevokedKey);
        }
        let limit = self.key_policy.connections_per_key;
        let within = tally.assign(key, limit);
        match limit {
            Some(limit) if !within => Err(Outcome::KeyLimit(limit)),
            Some(_) | None => Ok(()),
        }
    }

    /// Connects to the target and does the handshake with it as a client. `from` is the
    /// source of the connection: work is scheduled in turn by source.
    ///
    /// # Errors
    /// The connection's outcome, if it ends here.
    pub async fn open(
        &self,
        config: ClientConfig,
        from: u64,
        tally: &mut Tally,
    ) -> Result<(Socket, Established), Outcome> {
        let mut target = self.dial(None).await?;
        let handshake = self.connect(config, from, tally)?;
        let (began, time) = (Instant::now(), TimeLimit::start(self.time_limit));
        let mut overheard = Overheard::new(&mut target);
        let finished = time.hold(handshake.finish(&[], &mut overheard)).await.flatten();
        let established = finished.map_err(|error| Outcome::from(error).after(overheard.said()))?;
        self.counters.handshakes.took(began.elapsed());
        self.check_forward_secrecy(tally.key(), overheard.said(), key_exchange(config));
        Ok((target, established))
    }

    /// Makes the session of a client.
    fn connect(
        &self,
        config: ClientConfig,
        from: u64,
        tally: &mut Tally,
    ) -> Result<Handshake, Outcome> {
        let keys = self.keys.current();
        let (psk, key) = keys.psks().first().zip(keys.keys().first()).ok_or_else(named_no_key)?;
        tally.assign(key, None);
        let guest = SessionGuest::connect(&self.engine, config, psk)?;
        Ok(Handshake::begin(Box::new(guest), key_exchange(config), &self.compute, from))
    }

    /// Connects to the target, and writes these bytes first, if any.
    async fn dial(&self, first: Option<Vec<u8>>) -> Result<Socket, Outcome> {
        let began = Instant::now();
        let mut target = self.targets.dial(self.bind.as_ref(), self.time_limit).await?;
        self.counters.dials.took(began.elapsed());
        self.begin(&target);
        if let Some(first) = first {
            let written = timeout(self.time_limit, target.write_all(&first)).await;
            let written = written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            written.map_err(|error| Outcome::Broken(Broken::Plain(error), Traffic::default()))?;
        }
        Ok(target)
    }

    /// From here on, the other end must not take a broken connection for a complete one,
    /// however it ends: protocol.md F-2, F-5.
    fn begin(&self, socket: &Socket) {
        socket.tune(self.keepalive, self.user_timeout);
        socket.reset_when_dropped();
    }

    /// Relays until both directions have ended or one breaks.
    pub async fn copy<C, P>(
        &self,
        Established { guest, to_plain, failure }: Established,
        crypt: &C,
        plain: &P,
        tally: &mut Tally,
    ) -> Outcome
    where
        C: Stream,
        P: Stream,
    {
        tally.reached(Stage::Established);
        let mut session = Sleeper::new(&self.engine, guest);
        let limits = self.limits();
        let done = relay(&mut session, to_plain, failure, crypt, plain, tally, limits).await;
        Outcome::of(done, tally)
    }

    /// Those of an established connection.
    fn limits(&self) -> Limits {
        Limits {
            reader: self.time_limit,
            idle: self.idle_limit,
            half_closed: self.half_closed_limit,
        }
    }
}

/// Where a peer's connection comes from.
struct Origin {
    /// The source by whose turn its handshake is computed.
    turn: u64,
    /// The addresses for a PROXY header to the target.
    ends: Option<Ends>,
}

/// How a connection ended, and its key if it was known.
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// The peer's key on a server, ours on a client.
    pub key: Option<Key>,
}

/// Counts a connection that has ended.
fn ending(outcome: Outcome, tally: &Tally) -> Ended {
    if let Some(ending) = outcome.ending() {
        tally.ended(ending);
    }
    Ended { outcome, key: tally.key().cloned() }
}

/// The key exchange of a client.
pub(crate) fn key_exchange(config: ClientConfig) -> KeyExchange {
    match config {
        ClientConfig::Modp2048(_) => KeyExchange::Modp2048,
        ClientConfig::X25519 => KeyExchange::X25519,
    }
}

/// The error for an index without a key. Cannot happen: the index was checked.
fn named_no_key() -> Outcome {
    HandshakeError::Session(Failure::Guest("named none of the keys".into())).into()
}

/// Sets how the sockets are closed: cleanly if both directions have ended, and otherwise
/// with a reset when the last process that has them closes them.
fn settle(outcome: Outcome, crypt: &Socket, plain: &Socket) -> Outcome {
    if let Outcome::Closed(_) = outcome {
        crypt.close_when_dropped();
        plain.close_when_dropped();
    }
    outcome
}
