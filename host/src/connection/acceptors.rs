//! Who is there? The acceptors of a server, which know the keys in use.
//!
//! A few instances serve all strangers in turn: none has one of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::guest::{
    AcceptorGuest, Engine, Failure, GuestError, HELLO_MAX, NONCE_LEN, PeerFault, ServerConfig,
    Verdict,
};
use crate::keys::KeySet;
use crate::packet_crypto::KeySearch;
use crate::process::compute::{Class, Compute, Turn};

/// With more keys than this, a search takes too long for an event loop. With so
/// many it takes some 30 µs for both forms of a hello: half as long as a batch
/// of packets.
const QUICK_SEARCH_MAX: usize = 64;

/// How many guests there can be. For one set of keys, there are as many as can be
/// asked at once, by the event loops or by as many computing threads; while keys
/// are being replaced, there are those of both sets. Of older sets there are only
/// those that a thread is still asking: they are part of what goes on computing
/// although nobody keeps it.
#[must_use]
pub(crate) const fn acceptors_max(threads: usize) -> usize {
    2 * threads
}

/// A server's acceptors and the keys they know, replaced together.
pub struct Acceptors {
    engine: Engine,
    config: ServerConfig,
    compute: Compute,
    in_use: watch::Sender<Arc<InUse>>,
    hello_min: usize,
}

/// Acceptors that know certain keys, ready to be put in use.
pub struct Prepared {
    search: KeySearch,
    acceptors: Vec<AcceptorGuest>,
}

struct InUse {
    engine: Engine,
    config: ServerConfig,
    keys: Arc<KeySet>,
    search: KeySearch,
    /// Those that nobody is asking; `None` once other keys are in use. A search
    /// that still runs then keeps the acceptor it asks, and no other.
    idle: Mutex<Option<Vec<AcceptorGuest>>>,
}

type Question<T> = fn(&mut AcceptorGuest, &[u8; NONCE_LEN], &[u8]) -> Result<T, Failure>;

impl Acceptors {
    /// Acceptors for the first keys.
    ///
    /// # Errors
    /// When the pool is empty or an acceptor fails.
    pub fn new(
        engine: &Engine,
        config: ServerConfig,
        compute: &Compute,
        keys: Arc<KeySet>,
    ) -> Result<Self, GuestError> {
        let mut prepared = prepare(engine, config, compute, &keys)?;
        let first = prepared.acceptors.first_mut();
        let hello_min = first.map_or(Ok(0), hello_min).map_err(GuestError::Failed)?;
        let in_use = InUse::new(engine.clone(), config, keys, prepared);
        Ok(Self {
            engine: engine.clone(),
            config,
            compute: compute.clone(),
            in_use: watch::Sender::new(Arc::new(in_use)),
            hello_min,
        })
    }

    /// What they accept.
    #[must_use]
    pub fn config(&self) -> ServerConfig {
        self.config
    }

    /// How many bytes of a stranger there have to be before it is worth
    /// asking: for silence, no sandbox is entered.
    #[must_use]
    pub fn hello_min(&self) -> usize {
        self.hello_min
    }

    /// Makes acceptors that know these keys.
    ///
    /// # Errors
    /// When the pool is empty or one fails. Those in use stay.
    pub fn prepare(&self, keys: &KeySet) -> Result<Prepared, GuestError> {
        prepare(&self.engine, self.config, &self.compute, keys)
    }

    /// Puts keys in use, and the acceptors that were prepared for them.
    pub fn replace(&self, keys: Arc<KeySet>, prepared: Prepared) {
        let (engine, config) = (self.engine.clone(), self.config);
        let new = InUse::new(engine, config, keys, prepared);
        self.in_use.send_replace(Arc::new(new)).retire();
    }

    /// Who has answered this to our nonce? Also the keys that the answer's
    /// index is about: those in use now. A search that takes long is made when
    /// it is the turn of this `source`.
    ///
    /// # Errors
    /// When an acceptor fails: it is replaced, and nobody else notices.
    pub async fn identify(
        &self,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(Verdict, Arc<KeySet>), GuestError> {
        self.ask(AcceptorGuest::identify, source, our_nonce, received).await
    }

    /// What was wrong with a stranger that stopped here?
    ///
    /// # Errors
    /// As for [`identify`](Self::identify).
    pub async fn fault_at_eof(
        &self,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<PeerFault, GuestError> {
        if received.is_empty() {
            return Ok(PeerFault::TruncatedInHandshake);
        }
        let (fault, _) = self.ask(AcceptorGuest::fault_at_eof, source, our_nonce, received).await?;
        Ok(fault)
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: Question<T>,
        source: u64,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(T, Arc<KeySet>), GuestError> {
        let in_use = self.in_use.borrow().clone();
        if in_use.keys.psks().len() <= QUICK_SEARCH_MAX {
            return in_use.answer(question, our_nonce, received);
        }
        let (our_nonce, received) = (*our_nonce, received.to_vec());
        // Those in use when its turn comes, and no set is kept until then.
        drop(in_use);
        let in_use = self.in_use.subscribe();
        let answer = move || {
            let in_use = in_use.borrow().clone();
            in_use.answer(question, &our_nonce, &received)
        };
        // In a box: most strangers never come this far.
        let turn = Turn { class: Class::Stranger, source };
        let answer = Box::pin(self.compute.run(turn, answer)).await;
        answer.ok_or_else(|| GuestError::Failed(Failure::abandoned()))?
    }
}

impl InUse {
    fn new(engine: Engine, config: ServerConfig, keys: Arc<KeySet>, prepared: Prepared) -> Self {
        let Prepared { search, acceptors } = prepared;
        Self { engine, config, keys, search, idle: Mutex::new(Some(acceptors)) }
    }

    /// Asks an acceptor that is idle. One that fails is dropped, and the next
    /// to find none idle gets a new one.
    fn answer<T>(
        &self,
        question: Question<T>,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<(T, Arc<KeySet>), GuestError> {
        let idle = self.idle().as_mut().and_then(Vec::pop);
        let psks = self.keys.psks();
        let fresh = || AcceptorGuest::new(&self.engine, self.config, psks, &self.search);
        let mut acceptor = idle.map_or_else(fresh, Ok)?;
        let answer = question(&mut acceptor, our_nonce, received);
        if !acceptor.has_failed()
            && let Some(idle) = &mut *self.idle()
        {
            idle.push(acceptor);
        }
        Ok((answer.map_err(GuestError::Failed)?, self.keys.clone()))
    }

    /// Drops all acceptors, and takes none back.
    fn retire(&self) {
        let idle = self.idle().take();
        drop(idle);
    }

    /// Nothing happens under the lock that could leave it half done.
    fn idle(&self) -> MutexGuard<'_, Option<Vec<AcceptorGuest>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(
    engine: &Engine,
    config: ServerConfig,
    compute: &Compute,
    keys: &KeySet,
) -> Result<Prepared, GuestError> {
    let search = AcceptorGuest::search_of(keys.psks());
    let acceptors = (0..compute.threads())
        .map(|_| AcceptorGuest::new(engine, config, keys.psks(), &search))
        .collect::<Result<_, _>>()?;
    Ok(Prepared { search, acceptors })
}

/// It depends on nothing but what the acceptor accepts.
fn hello_min(acceptor: &mut AcceptorGuest) -> Result<usize, Failure> {
    Ok(match acceptor.identify(&[0; NONCE_LEN], &[])? {
        Verdict::More(more) => usize::try_from(more).unwrap_or(HELLO_MAX),
        Verdict::Authenticated(_) | Verdict::Refused(_) => 0,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::guest::ForwardSecrecy;
    use crate::keys::file::Psk;

    #[test]
    fn search_among_former_keys_keeps_no_acceptor_from_the_next() {
        // An engine has room for three guests at least.
        let compute = Compute::start(2, || {}).unwrap();
        let guests = acceptors_max(compute.threads()).try_into().unwrap();
        let engine = Engine::new(guests).unwrap();
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let acceptors = Acceptors::new(&engine, config, &compute, keys(0)).unwrap();
        for round in 1..4 {
            let former = acceptors.in_use.borrow().clone();
            replace(&acceptors, round);
            // As a search does that is late.
            former.answer(AcceptorGuest::identify, &[1; NONCE_LEN], &[]).unwrap();
            replace(&acceptors, round);
        }
    }

    fn replace(acceptors: &Acceptors, round: u8) {
        let keys = keys(round);
        let prepared = acceptors.prepare(&keys).unwrap();
        acceptors.replace(keys, prepared);
    }

    fn keys(round: u8) -> Arc<KeySet> {
        Arc::new(KeySet::of_one(Psk::copy_of(&[round; Psk::LEN])))
    }
}
