//! One connection, from the accepted socket to its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::{select, try_join};

use crate::guest::{Config, Engine, Failure, Guest, Side};
use crate::handshake::{Handshake, HandshakeError};
use crate::keys::{Key, KeyPolicy, KeySet, Keyring};
use crate::net::dial::dial;
use crate::net::resolve::Endpoint;
use crate::net::socket::Socket;
use crate::net::targets::Targets;
use crate::observe::counters::Counters;
use crate::outcome::Outcome;
use crate::relay::relay;
use crate::session::Session;
use crate::tally::Tally;

/// What the connections of one pipe have in common.
pub struct Pipe {
    /// Makes the sandboxes.
    pub engine: Engine,
    /// What sessions are told. Our end of the protocol also tells which socket
    /// is the crypt side.
    pub config: Config,
    /// The keys in force. A client uses the first, its only one.
    pub keys: Arc<Keyring>,
    /// What else is asked of a connection's key.
    pub key_policy: KeyPolicy,
    /// What its connections did.
    pub counters: Arc<Counters>,
    /// Where connections are passed on to.
    pub targets: Targets,
    /// The local address of connections to the target.
    pub bind: Option<Endpoint>,
    /// For connecting, and again for the handshake. No limit after that.
    pub time_limit: Duration,
    /// Whether TCP keep-alive probes are sent.
    pub keepalive: bool,
}

impl Pipe {
    /// Serves one accepted connection.
    pub async fn serve(self: Arc<Self>, source: Socket) -> Ended {
        let mut tally = self.tally();
        source.tune(self.keepalive);
        let result = match self.config.side {
            Side::Client => self.encrypt(source, &mut tally).await,
            Side::Server => self.decrypt(source, &mut tally).await,
        };
        let outcome = result.unwrap_or_else(|outcome| outcome);
        tally.ended(outcome.ending());
        Ended { outcome, key: tally.key().cloned() }
    }

    /// Counts a new connection.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::new(self.counters.clone())
    }

    /// The source is plain, the target crypt: nothing is read from the source
    /// before its bytes can be sealed.
    async fn encrypt(&self, mut source: Socket, tally: &mut Tally) -> Result<Outcome, Outcome> {
        // In a box of its own: the memory a handshake takes goes when it ends.
        let (mut target, guest, early) = match Box::pin(self.open(tally)).await {
            Ok(opened) => opened,
            Err(outcome) => return Err(refuse(outcome, source)),
        };
        let outcome = self.copy(guest, early, &mut target, &mut source, tally).await;
        Ok(settle(outcome, target, source))
    }

    /// The source is crypt, the target plain.
    async fn decrypt(&self, mut source: Socket, tally: &mut Tally) -> Result<Outcome, Outcome> {
        // The peer has had no answer yet: a plain end tells it that it is
        // refused, and nothing else. Later, it might take one for the end of a
        // connection that was complete.
        let handshake = Box::pin(self.prove(&mut source, tally)).await?;
        let (mut target, guest, early) =
            match Box::pin(self.admit(handshake, &mut source, tally)).await {
                Ok(admitted) => admitted,
                Err(outcome) => return Err(refuse(outcome, source)),
            };
        let outcome = self.copy(guest, early, &mut source, &mut target, tally).await;
        Ok(settle(outcome, source, target))
    }

    /// Begins the handshake as a server, and goes on until the peer has proved
    /// that it holds a key that is good for another connection.
    async fn prove(&self, source: &mut Socket, tally: &mut Tally) -> Result<Handshake, Outcome> {
        let keys = self.keys.current();
        let mut handshake = self.begin(&keys)?.until_proven(source).await?;
        self.admit_key(handshake.peer_key(), &keys, tally)?;
        Ok(handshake)
    }

    /// Does the rest of the handshake, and dials the target meanwhile.
    async fn admit(
        &self,
        handshake: Handshake,
        source: &mut Socket,
        tally: &Tally,
    ) -> Result<(Socket, Box<Guest>, Vec<u8>), Outcome> {
        let finish = async { Ok::<_, Outcome>(handshake.finish(source).await?) };
        // A target that cannot be reached does not cut the handshake short:
        // to the peer that would look like a wrong key.
        let dial = async { Ok(self.dial().await) };
        let ((guest, early), target) = try_join!(finish, dial)?;
        // That may have taken as long as the time limit allows.
        if tally.key().is_some_and(Key::is_revoked) {
            return Err(Outcome::RevokedKey);
        }
        Ok((target?, guest, early))
    }

    /// The peer holds the key with this index among those that were in force
    /// when it connected. Whether it is so still, and whether that is enough.
    /// Takes as long for every key: the peer has not been answered yet, and
    /// the time until then must not tell which one it holds.
    fn admit_key(
        &self,
        index: Option<usize>,
        keys: &KeySet,
        tally: &mut Tally,
    ) -> Result<(), Outcome> {
        let key = index.and_then(|index| keys.keys().get(index)).ok_or_else(|| {
            HandshakeError::Session(Failure::Guest("named none of the keys".into()))
        })?;
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

    /// Connects to the target and does the handshake with it, as a client.
    ///
    /// # Errors
    /// The connection's outcome, if it ends here.
    pub async fn open(&self, tally: &mut Tally) -> Result<(Socket, Box<Guest>, Vec<u8>), Outcome> {
        let mut target = self.dial().await?;
        let keys = self.keys.current();
        if let Some(key) = keys.keys().first() {
            tally.assign(key, None);
        }
        let (guest, early) = self.begin(&keys)?.finish(&mut target).await?;
        Ok((target, guest, early))
    }

    fn begin(&self, keys: &KeySet) -> Result<Handshake, Outcome> {
        let psks = keys.psks();
        let guest = Guest::new(&self.engine, self.config, psks)?;
        Ok(Handshake::begin(Box::new(guest), self.config, psks.len(), self.time_limit))
    }

    async fn dial(&self) -> Result<Socket, Outcome> {
        let targets = self.targets.current();
        let target = dial(&targets, self.bind.as_ref(), self.time_limit).await?;
        target.tune(self.keepalive);
        Ok(target)
    }

    /// Relays until both directions have ended or one breaks, or the key is
    /// revoked. `early` is plaintext that came with the handshake.
    pub async fn copy<C, P>(
        &self,
        guest: Box<Guest>,
        early: Vec<u8>,
        crypt: &mut C,
        plain: &mut P,
        tally: &mut Tally,
    ) -> Outcome
    where
        C: AsyncRead + AsyncWrite + Unpin,
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let mut session = Session::new(&self.engine, guest);
        let key = tally.key().filter(|_| self.key_policy.close_revoked).cloned();
        select! {
            biased;
            () = revoked(key) => Outcome::Revoked(tally.traffic()),
            result = relay(&mut session, early, crypt, plain, tally) => match result {
                Ok(()) => Outcome::Closed(tally.traffic()),
                Err(cause) => Outcome::Broken(cause, tally.traffic()),
            }
        }
    }
}

/// How a connection ended, and which key it had, if it came to that.
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// The peer's key on a server, ours on a client.
    pub key: Option<Key>,
}

/// Never without a key.
async fn revoked(key: Option<Key>) {
    match key {
        Some(key) => key.revoked().await,
        None => pending().await,
    }
}

/// Closes the source of a connection that did not come about: whoever is there
/// must not take it for one that was complete and empty.
fn refuse(outcome: Outcome, source: Socket) -> Outcome {
    source.reset();
    outcome
}

/// Closes both sockets: neither application may take a broken connection for
/// one that was complete.
fn settle(outcome: Outcome, crypt: Socket, plain: Socket) -> Outcome {
    if let Outcome::Broken(..) | Outcome::Revoked(_) = outcome {
        crypt.reset();
        plain.reset();
    }
    outcome
}
